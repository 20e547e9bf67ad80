package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/internal/drafts"
	"github.com/suyang-survey/suyang/internal/server"
	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/surveys"
)

// linksCommand prints personal links.
type linksCommand struct {
	stateFlags
	baseFlag
	Wave    string   `arg:"" help:"Name of the wave."`
	Format  string   `enum:"csv,html" default:"csv" help:"csv, or html: a sheet of labels with QR codes to be printed."`
	Lang    string   `enum:"zh,en" default:"zh" help:"Language of the sheet of labels, and of the first page behind its codes."`
	QR      string   `type:"path" help:"Folder to write the QR codes into, case by case, as PNG and SVG."`
	Reissue []string `help:"Cases whose links are replaced: the old ones end, and only the new ones are printed."`
}

// baseFlag says how respondents reach the server.
type baseFlag struct {
	Base string `default:"http://127.0.0.1:8080" env:"SUYANG_BASE" help:"Address of the server as respondents see it."`
}

func (f baseFlag) address(path string) string { return strings.TrimSuffix(f.Base, "/") + path }

// Run prints one line, or one label, for each case. The links are secrets: whoever has
// one can answer for the case.
func (c *linksCommand) Run(ctx context.Context, con *console) error {
	w, err := c.waves().Load(c.Wave)
	if err != nil {
		return err
	}
	sayEnded(con, w, time.Now())
	list, err := c.list(ctx)
	if err != nil {
		return err
	}
	if c.QR != "" {
		if err := writeCodes(c.QR, list); err != nil {
			return err
		}
	}
	if c.Format == "html" {
		return server.WriteLabels(con.out, w.Questionnaire, list, surveys.Lang(c.Lang))
	}
	rows := [][]string{{"case", "url"}}
	for _, l := range list {
		rows = append(rows, []string{l.Case, l.URL})
	}
	return csv.NewWriter(con.out).WriteAll(rows)
}

// list makes the links of the cases asked for.
func (c *linksCommand) list(ctx context.Context) ([]server.Label, error) {
	cases, err := c.waves().Sample(c.Wave)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, k := range cases {
		ids = append(ids, k.ID)
	}
	store, err := c.openDrafts()
	if err != nil {
		return nil, err
	}
	defer store.Close()
	if len(c.Reissue) > 0 {
		for _, id := range c.Reissue {
			if !slices.Contains(ids, id) {
				return nil, fmt.Errorf("wave %s has no case %q; nothing was replaced: %w", c.Wave, id, surveys.ErrNotFound)
			}
		}
		if err := store.Reissue(ctx, c.Wave, c.Reissue); err != nil {
			return nil, err
		}
		ids = c.Reissue
	}
	key, err := c.key()
	if err != nil {
		return nil, err
	}
	var list []server.Label
	for _, id := range ids {
		issue, err := store.Issue(ctx, c.Wave, id)
		if err != nil {
			return nil, err
		}
		list = append(list, server.Label{Case: id, URL: c.address(server.CaseLink(key, c.Wave, id, issue))})
	}
	return list, nil
}

// writeCodes writes the QR codes of the links. The names of the files come from the
// cases, with everything but letters, digits and hyphens written as _; two that become
// the same are refused.
func writeCodes(folder string, list []server.Label) error {
	if err := makeFolder(folder); err != nil {
		return err
	}
	names := map[string]string{}
	for _, l := range list {
		name := strings.Map(func(r rune) rune {
			if r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 0x7f && r != 0xfffd {
				return r
			}
			return '_'
		}, l.Case)
		if other, taken := names[strings.ToLower(name)]; taken {
			return fmt.Errorf("the cases %q and %q would both get the file %s; give them names that differ in letters or digits", other, l.Case, name)
		}
		names[strings.ToLower(name)] = l.Case
		code, err := server.QRCode(l.URL)
		if err != nil {
			return fmt.Errorf("case %s: %w", l.Case, err)
		}
		path := filepath.Join(folder, name)
		if err := errors.Join(os.WriteFile(path+".png", code.PNG(), 0o600), os.WriteFile(path+".svg", code.SVG(), 0o600)); err != nil {
			return err
		}
	}
	return nil
}

// openLinkCommand keeps an open link.
type openLinkCommand struct {
	stateFlags
	baseFlag
	Wave   string    `arg:"" help:"Name of the wave."`
	Name   string    `required:"" help:"Name of the link, such as poster-1. The same name again changes its limits; the address stays."`
	Limit  int       `help:"After how many finished interviews no more can be begun through the link; those begun before still count. 0 is no limit."`
	Starts int       `help:"How many interviews may be begun through it, finished or not; by default ten times the limit. Use 1 for a link that one person gets."`
	From   time.Time `format:"2006-01-02" help:"The first day, YYYY-MM-DD, China time."`
	Until  time.Time `format:"2006-01-02" help:"The last day, YYYY-MM-DD, China time."`
	QR     string    `type:"path" help:"Folder to write the QR code into, as PNG and SVG."`
}

// Run keeps the link, prints its address and counts, and those of the wave's other links.
func (c *openLinkCommand) Run(ctx context.Context, con *console) error {
	w, err := c.waves().Load(c.Wave)
	if err != nil {
		return err
	}
	sayEnded(con, w, time.Now())
	store, err := c.openDrafts()
	if err != nil {
		return err
	}
	defer store.Close()
	l := drafts.OpenLink{Wave: c.Wave, Name: c.Name, Limit: c.Limit, Starts: c.Starts, Opens: chinaDay(c.From)}
	if l.Starts == 0 {
		l.Starts = 10 * l.Limit
	}
	if !c.Until.IsZero() {
		l.Closes = chinaDay(c.Until).AddDate(0, 0, 1)
	}
	if err := store.PutOpenLink(ctx, l); err != nil {
		return err
	}
	url := c.address("/o/" + store.Token(c.Wave, c.Name))
	if c.QR != "" {
		if err := writeCodes(c.QR, []server.Label{{Case: c.Name, URL: url}}); err != nil {
			return err
		}
	}
	all, err := store.OpenLinks(ctx, c.Wave)
	if err != nil {
		return err
	}
	rows := [][]string{{"link", "url", "begun", "finished", "limit", "takes"}}
	for _, l := range all {
		rows = append(rows, []string{l.Name, c.address("/o/" + store.Token(l.Wave, l.Name)), fmt.Sprint(l.Started), fmt.Sprint(l.Completed), fmt.Sprint(l.Limit), fmt.Sprint(l.Takes(time.Now()))})
	}
	return csv.NewWriter(con.out).WriteAll(rows)
}

// sayEnded warns of a wave that takes no answers, so that nobody sends links to it.
func sayEnded(con *console, w waves.Wave, now time.Time) {
	ends, err := w.Questionnaire.Statutory.Ends()
	switch {
	case w.Closed:
		con.say("wave %s is closed: the links below take no answers", w.ID)
	case err == nil && !ends.IsZero() && !now.Before(ends):
		con.say("wave %s has expired: its form was valid until %s, so the links below take no answers; publish a questionnaire with a later valid_until",
			w.ID, w.Questionnaire.Statutory.ValidUntil)
	}
}

// chinaDay is the beginning of a day in China, where the waves are; zero stays zero.
func chinaDay(day time.Time) time.Time {
	if day.IsZero() {
		return day
	}
	return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, time.FixedZone("CST", 8*60*60))
}
