package main

import (
	"slices"
	"sync"

	"github.com/suyang-survey/suyang/internal/live"
	"github.com/suyang-survey/suyang/internal/server"
	"github.com/suyang-survey/suyang/internal/waves"
)

// boards keep the results so far of the published waves.
type boards struct {
	mu   sync.Mutex
	kept map[string]keptBoard
}

// keptBoard is a board for a wave as it was published.
type keptBoard struct {
	wave  waves.Wave
	board *live.Board
}

// board is that of a wave, nil when the wave is not published or has no criterion. A wave
// that was published anew gets another board.
func (st *station) board(wave string) *live.Board {
	list := st.published().waves
	i := slices.IndexFunc(list, func(w waves.Wave) bool { return w.ID == wave })
	if i < 0 || list[i].Plan == nil || list[i].Questionnaire.Criterion == nil {
		return nil
	}
	w := list[i]
	st.boards.mu.Lock()
	defer st.boards.mu.Unlock()
	if k, kept := st.boards.kept[wave]; kept && k.wave.Plan == w.Plan && k.wave.Questionnaire == w.Questionnaire {
		return k.board
	}
	if st.boards.kept == nil {
		st.boards.kept = map[string]keptBoard{}
	}
	b := live.NewBoard(wave, w.Questionnaire, w.Plan, st.store, server.LiveCases{Office: st.office})
	st.boards.kept[wave] = keptBoard{w, b}
	return b
}
