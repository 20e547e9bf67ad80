package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/definition"
	"github.com/suyang-survey/suyang/surveys/xlsform"
	"github.com/suyang-survey/suyang/web"
)

// importFormCommand takes in an XLSForm.
type importFormCommand struct {
	File   string `arg:"" type:"existingfile" help:"The form, an .xlsx file. Its pictures are looked for in the folder NAME-media beside it."`
	Output string `short:"o" required:"" help:"Where to write the questionnaire, a YAML file."`
}

// Run writes the questionnaire and says what of the form it could not take.
func (c *importFormCommand) Run(con *console) error {
	src, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	words, err := formWords()
	if err != nil {
		return err
	}
	q, losses, err := xlsform.Import(src, xlsform.Options{Words: words, Today: time.Now(), Media: os.DirFS(mediaFolder(c.File))})
	for _, l := range losses {
		con.say("%s", l)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	out, err := definition.Write(q)
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.Output, out, 0o644); err != nil {
		return err
	}
	if _, err := definition.Read(c.Output, out, nil); err != nil {
		return fmt.Errorf("%s was written, but must be mended before use:\n%w", c.Output, err)
	}
	items := 0
	for range q.Items {
		items++
	}
	fmt.Fprintf(con.out, "%s: %s, %s; %s\n", c.Output, counted(len(q.Sections), "section"), counted(items, "item"), otherwise(len(losses)))
	return nil
}

// counted is a number of things, such as “1 item”.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// otherwise says how much an import did in another way, as the lines above it list.
func otherwise(n int) string {
	switch n {
	case 0:
		return "everything in the form was taken as it was"
	case 1:
		return "1 thing in the form was changed or left out, see above"
	}
	return fmt.Sprintf("%d things in the form were changed or left out, see above", n)
}

// mediaFolder is where the pictures of a form are, as ODK tools have it.
func mediaFolder(file string) string {
	return strings.TrimSuffix(file, filepath.Ext(file)) + "-media"
}

// formWords are the wordings that a form may lack.
func formWords() (xlsform.Words, error) {
	texts := map[string]surveys.Text{}
	for _, l := range []surveys.Lang{surveys.ZH, surveys.EN} {
		src, err := web.FormText.ReadFile("text/form." + string(l) + ".json")
		if err != nil {
			return xlsform.Words{}, err
		}
		var all map[string]string
		if err := json.Unmarshal(src, &all); err != nil {
			return xlsform.Words{}, err
		}
		for key, s := range all {
			if texts[key] == nil {
				texts[key] = surveys.Text{}
			}
			texts[key][l] = s
		}
	}
	return xlsform.Words{Other: texts["import.other"], Specify: texts["import.specify"], Check: texts["import.check"],
		Approval: texts["import.approval"], Consent: texts["import.consent"]}, nil
}

// exportFormCommand writes a questionnaire for ODK tools.
type exportFormCommand struct {
	Questionnaire string `arg:"" help:"A questionnaire of the library, or the path of a YAML file."`
	Format        string `enum:"xlsx,xform" default:"xlsx" help:"xlsx for an XLSForm, xform for the XML that ODK clients run."`
	Output        string `short:"o" help:"Where to write the form; by default the questionnaire's ID with .xlsx or .xml. Pictures go into the folder NAME-media beside it."`
}

// Run writes the form and says what ODK tools will do otherwise.
func (c *exportFormCommand) Run(con *console) error {
	q, err := questionnaireOf(c.Questionnaire)
	if err != nil {
		return err
	}
	write, ending := xlsform.Export, ".xlsx"
	if c.Format == "xform" {
		write, ending = xlsform.XForm, ".xml"
	}
	if c.Output == "" {
		c.Output = q.ID + ending
	}
	out, pictures, losses, err := write(q)
	if err != nil {
		return err
	}
	for _, l := range losses {
		con.say("in other programs: %s: %s; %s", l.What, l.Why, l.Instead)
	}
	if err := os.WriteFile(c.Output, out, 0o644); err != nil {
		return err
	}
	for _, p := range pictures {
		folder := mediaFolder(c.Output)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, p.Name), p.Data, 0o644); err != nil {
			return err
		}
	}
	fmt.Fprintf(con.out, "%s: %d bytes, %d pictures beside it\n", c.Output, len(out), len(pictures))
	return nil
}
