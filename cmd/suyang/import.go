package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/microdata"
	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
)

// importCommand takes in the microdata of another survey.
type importCommand struct {
	stateFlags
	Wave          string   `arg:"" help:"Name of the wave, such as gss."`
	From          []string `arg:"" type:"existingdir" help:"Folders with the tables; of files with one name the first is read."`
	Questionnaire string   `default:"gss-science" help:"A questionnaire of the library, or the path of a YAML file."`
	Plan          string   `help:"The plan of the analysis, a YAML file; by default plan.yaml beside the questionnaire."`
	Mapping       string   `help:"How the tables become interviews, a YAML file; by default import.yaml beside the questionnaire."`
}

// Run publishes the wave and takes every row in through the intake, as an interview.
func (c *importCommand) Run(ctx context.Context, con *console) error {
	q, plan, err := definitionOf(c.Questionnaire, c.Plan)
	if err != nil {
		return err
	}
	if _, err := c.readPlan(c.Wave, planPath(c.Questionnaire, c.Plan), plan, q); err != nil {
		return err
	}
	mapping, err := mappingOf(c.Questionnaire, c.Mapping)
	if err != nil {
		return err
	}
	var folders []fs.FS
	for _, dir := range c.From {
		folders = append(folders, os.DirFS(dir))
	}
	table, err := microdata.Read(mapping, q, c.Wave, folders...)
	if err != nil {
		return err
	}
	if err := c.make(); err != nil {
		return err
	}
	if err := publish(c.waves(), c.Wave, q, plan, table.Cases); err != nil {
		return err
	}
	if err := c.waves().Close(c.Wave); err != nil { // its interviews took place elsewhere
		return err
	}
	st, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	quarantined, err := takeIn(ctx, con, st, c.Wave, table)
	if err != nil {
		return err
	}
	fmt.Fprintf(con.out, "wave %s: %d interviews taken in, %d of them in quarantine\n", c.Wave, len(table.Interviews), quarantined)
	return nil
}

// mappingOf reads a mapping file; by default the one beside the questionnaire.
func mappingOf(questionnaire, path string) (*microdata.Mapping, error) {
	var src []byte
	var err error
	switch {
	case path == "" && inLibrary(questionnaire):
		path = questionnaire + "/import.yaml"
		src, err = fs.ReadFile(library.FS, path)
	case path == "":
		path = filepath.Join(filepath.Dir(questionnaire), "import.yaml")
		fallthrough
	default:
		src, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, err
	}
	return microdata.ReadMapping(path, src)
}

// publish freezes a wave together with its sample.
func publish(folder waves.Folder, wave string, q *surveys.Questionnaire, plan []byte, cases []fieldwork.Case) error {
	if _, err := folder.Publish(wave, q, plan); err != nil {
		return err
	}
	var sample bytes.Buffer
	if err := fieldwork.WriteSample(&sample, cases); err != nil {
		return err
	}
	return folder.SaveSample(wave, sample.Bytes())
}

// acceptedAtOnce is how many interviews are on their way into the log at one time,
// so that they share its syncs.
const acceptedAtOnce = 64

// takeIn accepts the interviews of a table and waits until they are stored. It
// returns how many went to quarantine.
func takeIn(ctx context.Context, con *console, st *station, wave string, t microdata.Table) (int64, error) {
	if err := st.store.PutSample(ctx, wave, t.Cases); err != nil {
		return 0, err
	}
	var quarantined atomic.Int64
	bar := con.bar("taking in interviews of "+wave, len(t.Interviews))
	err := each(ctx, acceptedAtOnce, t.Interviews, func(ctx context.Context, i surveys.Interview) error {
		body, err := json.Marshal(i)
		if err != nil {
			return err
		}
		receipt, err := st.intake.Accept(ctx, body)
		if err != nil {
			return fmt.Errorf("case %s: %w", i.Case, err)
		}
		if receipt.Quarantined != "" {
			quarantined.Add(1)
		}
		bar.add(1)
		return nil
	})
	bar.finish()
	return quarantined.Load(), errors.Join(err, st.intake.Flush(ctx))
}
