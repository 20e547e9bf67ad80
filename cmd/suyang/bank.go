package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/bank"
	"github.com/suyang-survey/suyang/surveys/definition"
)

// bankCommand holds the commands about item banks.
type bankCommand struct {
	Check    bankCheckCommand    `cmd:"" help:"Show what a bank covers and whether it can meet a blueprint; the status is 1 when it cannot."`
	Assemble bankAssembleCommand `cmd:"" help:"Draw the items of a questionnaire from its bank and write the complete questionnaire."`
	Allocate bankAllocateCommand `cmd:"" help:"Give each case of a sample file a booklet and print the file with the column booklet."`
}

// bankCheckCommand shows what a bank covers.
type bankCheckCommand struct {
	Bank          string       `arg:"" help:"The bank, a YAML file."`
	Blueprint     string       `required:"" help:"The blueprint, a YAML file."`
	Questionnaire string       `help:"A questionnaire whose sections ask for items of the bank, a YAML file."`
	Lang          surveys.Lang `default:"zh" enum:"zh,en" help:"Language of the tables: zh or en."`
}

// Run prints the tables, the booklets and what cannot be met.
func (c *bankCheckCommand) Run(con *console) error {
	b, p, err := bankOf(c.Bank, c.Blueprint)
	if err != nil {
		return err
	}
	set, err := bank.Assemble(b, p)
	var unmet bank.Unmet
	if err != nil && !errors.As(err, &unmet) {
		return err
	}
	sheet := newBankSheet(c.Lang, b, p, set)
	sheet.write(c.Bank)
	if unmet != nil {
		sheet.unmet(unmet)
	} else if err := sheet.met(c.Questionnaire); err != nil {
		return err
	}
	if _, err := con.out.Write(sheet.Bytes()); err != nil {
		return err
	}
	if unmet != nil {
		return errSilent
	}
	return nil
}

// bankOf reads a bank and a blueprint for it.
func bankOf(bankFile, blueprintFile string) (*bank.Bank, *bank.Blueprint, error) {
	src, err := readDefinition(bankFile)
	if err != nil {
		return nil, nil, err
	}
	b, err := bank.Read(bankFile, src, os.DirFS(filepath.Dir(bankFile)))
	if err != nil {
		return nil, nil, err
	}
	if src, err = readDefinition(blueprintFile); err != nil {
		return nil, nil, err
	}
	p, err := bank.ReadBlueprint(blueprintFile, src, b)
	return b, p, err
}

// readDefinition reads a file, and one byte more than a definition may have of what is
// too large.
func readDefinition(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, definition.MaxSize+1))
}

// bankAssembleCommand completes a questionnaire.
type bankAssembleCommand struct {
	Questionnaire string `arg:"" help:"The questionnaire, a YAML file with sections that ask for items of a bank."`
	Bank          string `help:"The bank; by default bank.yaml beside the questionnaire."`
	Blueprint     string `help:"The blueprint; by default blueprint.yaml beside the questionnaire."`
	Out           string `short:"o" help:"File to write; by default the questionnaire is printed."`
}

// Run writes the complete questionnaire as JSON, which lint and publish read like YAML.
func (c *bankAssembleCommand) Run(con *console) error {
	folder := filepath.Dir(c.Questionnaire)
	if c.Bank == "" {
		c.Bank = filepath.Join(folder, bank.BankFile)
	}
	if c.Blueprint == "" {
		c.Blueprint = filepath.Join(folder, bank.BlueprintFile)
	}
	q, err := completed(c.Questionnaire, c.Bank, c.Blueprint)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(q); err != nil {
		return err
	}
	if c.Out == "" {
		_, err := con.out.Write(text.Bytes())
		return err
	}
	if err := os.WriteFile(c.Out, text.Bytes(), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(con.out, "%s: questionnaire %s, version %s, %d booklets\n", c.Out, q.ID, q.Version(), len(q.Booklets))
	return nil
}

// completed reads a questionnaire and completes it from a bank.
func completed(questionnaire, bankFile, blueprintFile string) (*surveys.Questionnaire, error) {
	b, p, err := bankOf(bankFile, blueprintFile)
	if err != nil {
		return nil, err
	}
	set, err := bank.Assemble(b, p)
	if err != nil {
		return nil, err
	}
	return completedFrom(questionnaire, set)
}

func completedFrom(questionnaire string, set *bank.Set) (*surveys.Questionnaire, error) {
	src, err := readDefinition(questionnaire)
	if err != nil {
		return nil, err
	}
	return bank.Complete(questionnaire, src, os.DirFS(filepath.Dir(questionnaire)), set)
}

// bankAllocateCommand gives cases their booklets.
type bankAllocateCommand struct {
	Sample        string `arg:"" help:"The sample file, CSV."`
	Questionnaire string `required:"" help:"A questionnaire of the library, or the path of a YAML file."`
	Seed          uint64 `required:"" help:"Any number; the same one gives the same booklets again. Keep it with the sample."`
}

// Run prints the sample file with one column more.
func (c *bankAllocateCommand) Run(con *console) error {
	q, err := questionnaireOf(c.Questionnaire)
	if err != nil {
		return err
	}
	if len(q.Booklets) == 0 {
		return fmt.Errorf("questionnaire %s has no booklets; there is nothing to allocate", q.ID)
	}
	src, err := os.ReadFile(c.Sample)
	if err != nil {
		return err
	}
	cases, err := fieldwork.ReadSample(c.Sample, bytes.NewReader(src))
	if err != nil {
		return err
	}
	if _, given := cases[0].Columns[fieldwork.ColumnBooklet]; given {
		return fmt.Errorf("%s has a column %s already; remove it to allocate again", c.Sample, fieldwork.ColumnBooklet)
	}
	drawn := make([]bank.Case, len(cases))
	for i, k := range cases {
		drawn[i] = bank.Case{ID: k.ID, Stratum: k.Stratum}
	}
	rows, err := csv.NewReader(bytes.NewReader(src)).ReadAll() // as ReadSample read it
	if err != nil {
		return err
	}
	rows[0] = append(rows[0], fieldwork.ColumnBooklet)
	for i, b := range bank.Allocate(c.Seed, drawn, q.Booklets) {
		rows[i+1] = append(rows[i+1], b)
	}
	return csv.NewWriter(con.out).WriteAll(rows)
}
