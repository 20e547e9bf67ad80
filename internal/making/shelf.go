package making

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/internal/exclusive"
	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/surveys"
)

// Made is a report that was made for somebody at the desk, or could not be made.
type Made struct {
	Wave   string `json:"wave"`
	Number int    `json:"number"`
	// Who asked for it, by the login of the account.
	Who       string         `json:"who"`
	Began     time.Time      `json:"began"`
	Ended     time.Time      `json:"ended"`
	Languages []surveys.Lang `json:"languages"`
	Forms     []string       `json:"forms"`
	// Weights is the version of the set of weights, such as calibrated@2; empty for the base
	// weights of the sample.
	Weights string   `json:"weights,omitempty"`
	Data    Data     `json:"data"`
	Program string   `json:"program"`
	Files   []string `json:"files,omitempty"`
	// Failed says why it could not be made; nil for one that was.
	Failed *Failure `json:"failed,omitempty"`
}

// Data say what a report was computed from.
type Data struct {
	// Interviews are those that count, Questionnaire is the version that they were asked with.
	Interviews    int    `json:"interviews"`
	Questionnaire string `json:"questionnaire"`
	// Sample, Standings and Weights are the digests by which the store knows them.
	Sample    string `json:"sample,omitempty"`
	Standings string `json:"standings,omitempty"`
	Weights   string `json:"weights,omitempty"`
}

// The names in the folder of a wave: the record beside the files of a report, and the
// beginning of the name of one that is being made.
const (
	recordName = "made.json"
	makingName = ".making-"
)

// shelf is the folder of what was made, WAVE/NUMBER for each.
type shelf struct {
	dir string
	// keep is how many of a wave are kept; the oldest go.
	keep int
}

func (s shelf) wave(wave string) string { return filepath.Join(s.dir, wave) }

func (s shelf) folder(wave string, number int) string {
	return filepath.Join(s.wave(wave), strconv.Itoa(number))
}

// begin makes the folder in which a report is made, and keeps there what it is to be, so that
// a crash on the way can be told of.
func (s shelf) begin(m *Made) (staging string, err error) {
	if err := os.MkdirAll(s.wave(m.Wave), 0o700); err != nil {
		return "", err
	}
	numbers, err := exclusive.Numbers(s.wave(m.Wave))
	if err != nil {
		return "", err
	}
	m.Number = slices.Max(append(numbers, 0)) + 1
	staging = filepath.Join(s.wave(m.Wave), makingName+strconv.Itoa(m.Number))
	if err := errors.Join(os.RemoveAll(staging), os.Mkdir(staging, 0o700)); err != nil {
		return "", err
	}
	return staging, s.record(staging, *m)
}

func (s shelf) record(dir string, m Made) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return waves.WriteDurably(filepath.Join(dir, recordName), append(text, '\n'))
}

// settle gives what was made its name: it is there whole from then on. Of one that failed only
// the record stays.
func (s shelf) settle(staging string, m Made) error {
	if m.Failed != nil {
		if err := errors.Join(os.RemoveAll(staging), os.Mkdir(staging, 0o700)); err != nil {
			return err
		}
		m.Files = nil
	}
	if err := s.record(staging, m); err != nil {
		return err
	}
	if err := os.Rename(staging, s.folder(m.Wave, m.Number)); err != nil {
		return err
	}
	if err := s.thin(m.Wave); err != nil { // this one is there all the same
		slog.Error("old reports cannot be removed", "folder", s.wave(m.Wave), "error", err)
	}
	return syncFolder(s.wave(m.Wave))
}

// syncFolder brings the names in a folder to the disk.
func syncFolder(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// thin removes the oldest reports of a wave beyond those that are kept, and the oldest records
// of failures beyond as many, so that failures push out no report.
func (s shelf) thin(wave string) error {
	numbers, err := exclusive.Numbers(s.wave(wave))
	if err != nil {
		return err
	}
	made, failed := 0, 0
	for _, n := range slices.Backward(numbers) {
		count := &made
		if m, unread := readMade(s.folder(wave, n)); unread != nil || m.Failed != nil {
			count = &failed
		}
		if *count++; *count > s.keep {
			err = errors.Join(err, os.RemoveAll(s.folder(wave, n)))
		}
	}
	return err
}

// recover clears up what a crash left: of a report that was being made only the record stays,
// which says that it was not finished. It lists those.
func (s shelf) recover(now time.Time) (unfinished []Made, err error) {
	left, err := filepath.Glob(filepath.Join(s.dir, "*", makingName+"*"))
	if err != nil {
		return nil, err
	}
	for _, staging := range left {
		m, err := readMade(staging)
		number, numErr := strconv.Atoi(strings.TrimPrefix(filepath.Base(staging), makingName))
		if err != nil || numErr != nil || m.Wave != filepath.Base(filepath.Dir(staging)) || m.Number != number {
			if err := os.RemoveAll(staging); err != nil { // it had hardly begun
				return unfinished, err
			}
			continue
		}
		m.Ended, m.Failed = now, &Failure{Why: WhyEnded}
		if err := s.settle(staging, m); err != nil {
			return unfinished, err
		}
		unfinished = append(unfinished, m)
	}
	return unfinished, nil
}

// list has what was made of a wave, the newest first.
func (s shelf) list(wave string) (list []Made, err error) {
	numbers, err := exclusive.Numbers(s.wave(wave))
	if err != nil {
		return nil, err
	}
	for _, n := range slices.Backward(numbers) {
		m, err := readMade(s.folder(wave, n))
		if errors.Is(err, fs.ErrNotExist) { // removed meanwhile, as the oldest one
			continue
		}
		if err != nil { // the others can be read
			slog.Error("the record of a report cannot be read", "folder", s.folder(wave, n), "error", err)
			continue
		}
		list = append(list, m)
	}
	return list, nil
}

func readMade(dir string) (m Made, err error) {
	text, err := os.ReadFile(filepath.Join(dir, recordName))
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		return m, fmt.Errorf("the record of a report: %w", err)
	}
	return m, nil
}

// open opens a file of a report; surveys.ErrNotFound for what is none.
func (s shelf) open(wave string, number int, name string) (*os.File, Made, error) {
	m, err := readMade(s.folder(wave, number))
	if err == nil && slices.Contains(m.Files, name) {
		var f *os.File
		if f, err = os.Open(filepath.Join(s.folder(wave, number), name)); err == nil {
			return f, m, nil
		}
	} else if err == nil {
		err = fs.ErrNotExist
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("wave %s has no file %.80q of report %d: %w", wave, name, number, surveys.ErrNotFound)
	}
	return nil, m, err
}
