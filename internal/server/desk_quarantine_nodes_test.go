package server

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/surveys"
)

// aCollector is a node with a log of its own, which can be away.
type aCollector struct {
	*deskSite
	node  uint16
	away  atomic.Bool
	heard atomic.Bool
}

// collector gives a desk a further node.
func (d *deskSite) collector(node uint16) *aCollector {
	d.t.Helper()
	t := d.t.(*testing.T)
	c := &aCollector{deskSite: &deskSite{site: newSite(t, []*surveys.Questionnaire{village()}, nil)}, node: node}
	d.deps.Collectors = append(d.deps.Collectors, c)
	return c
}

func (c *aCollector) answer() error {
	if c.away.Load() {
		return fmt.Errorf("gone: %w", surveys.ErrUnavailable)
	}
	c.heard.Store(true)
	return nil
}

func (c *aCollector) Address() string { return fmt.Sprintf("https://c%d.example.cn", c.node) }

func (c *aCollector) Number() uint16 {
	if !c.heard.Load() {
		return 0
	}
	return c.node
}

func (c *aCollector) Quarantine(_ context.Context, wave string) (uint16, []intake.Quarantined, error) {
	var list []intake.Quarantined
	for _, q := range c.intake.Quarantine() {
		if q.Wave == wave {
			list = append(list, q)
		}
	}
	if err := c.answer(); err != nil {
		return 0, nil, err
	}
	return c.node, list, nil
}

func (c *aCollector) Quarantined(_ context.Context, node uint16, seq uint64) (q intake.Quarantined, body []byte, err error) {
	if err := c.answer(); err != nil {
		return q, nil, err
	}
	if node != c.node {
		return q, nil, surveys.ErrNotFound
	}
	return c.intake.Quarantined(seq)
}

func (c *aCollector) Dismiss(ctx context.Context, _ uint16, seq uint64, v intake.Verdict) error {
	if err := c.answer(); err != nil {
		return err
	}
	return c.intake.Dismiss(ctx, seq, v)
}

func (c *aCollector) Correct(ctx context.Context, _ uint16, seq uint64, v intake.Verdict, iv surveys.Interview, replace bool) error {
	if err := c.answer(); err != nil {
		return err
	}
	_, err := c.intake.Correct(ctx, seq, intake.Correction{Verdict: v, Change: func(was *surveys.Interview) { *was = iv }, Replace: replace})
	return err
}

// The page lists what all nodes have, each with the node's name and under a number of its own,
// in the area of who asks; a collector that does not answer is named, and the table is not sent
// without what it has.
func TestDeskQuarantineOfCollectors(t *testing.T) {
	d := newDesk(t)
	broken := func(iv *surveys.Interview) { delete(iv.Answers, "K01") }
	d.accepted(1, "c1", broken)
	wu := d.as("wu")
	_, body := wu.open("/desk/village/quarantine?lang=en")
	if strings.Contains(body, "Server") {
		t.Errorf("a server that is alone names servers:\n%s", body)
	}
	second, third := d.collector(2), d.collector(3)
	second.accepted(2, "c2", broken)
	second.accepted(3, "c6", broken) // in Ningbo
	second.accepted(4, "", broken)
	third.accepted(5, "c3", broken)

	var found [][]string
	for _, row := range wu.rows("/desk/village/quarantine?lang=en", "open") {
		found = append(found, row[:3])
	}
	if got, want := fmt.Sprint(found), "[[1 The office c1] [n2-1 Collector 2 c2] [n3-1 Collector 3 c3]]"; got != want {
		t.Errorf("the page lists %s, want %s", got, want)
	}
	down := wu.rows("/desk/village/quarantine?lang=en&sort=-open.number", "open")
	if len(down) != 3 || down[0][0] != "n3-1" || down[2][0] != "1" {
		t.Errorf("sorted by number, downwards: %v", down)
	}
	for _, number := range []string{"n2-2", "n2-3", "n3-2", "n4-1", "n02-1", "n2-01", "n2--1", "n2", "n0-1", "n65538-1"} {
		status, body := wu.open("/desk/village/quarantine/" + number)
		d.wants(status, body, 404)
		form := with(wu.filled("/desk/village/quarantine/n2-1?lang=en", "dismiss"), "reason", "x")
		status, body = wu.send("/desk/village/quarantine/"+number, form)
		d.wants(status, body, 404)
	}
	if got := d.refusedLast(); got != "wu read quarantined village n2-3" {
		t.Errorf("the audit trail ends in %q", got)
	}
	status, body := d.as("ningbo").open("/desk/village/quarantine/n2-2?lang=en")
	d.wants(status, body, 200, "Quarantined interview n2-2", "Collector 2 · https://c2.example.cn")
	if n := d.trailOf("read quarantined", "village c6 · n2-2"); n != 1 {
		t.Errorf("that it was read stands in the audit trail %d times", n)
	}

	correction := with(wu.filled("/desk/village/quarantine/n2-1?lang=en", "correct"), "reason", "asked again", "a.K01", "true")
	second.away.Store(true)
	for lang, words := range map[string]string{"en": "These collectors do not answer: https://c2.example.cn.", "zh": "以下采集节点没有应答：https://c2.example.cn。"} {
		status, body := wu.open("/desk/village/quarantine?lang=" + lang)
		d.wants(status, body, 200, words, ">1</a>", ">n3-1</a>")
		if strings.Contains(body, "n2-1") || strings.Contains(body, "c3.example.cn") {
			t.Errorf("the page without a collector:\n%s", body)
		}
	}
	status, body = wu.open("/desk/village/quarantine?lang=en&download=open")
	d.wants(status, body, 503)
	status, body = wu.send("/desk/village/quarantine/n2-1?lang=en", correction)
	d.wants(status, body, 503, "What you filled in is still on this page")
	if got := hiddenFields(body); got.Encode() != strings.ReplaceAll(correction.Encode(), "%0D%0A", "%0A") { // as a page is read
		t.Errorf("the page gives back\n%v, want\n%v", got, correction)
	}
	second.away.Store(false)
	status, body = wu.send("/desk/village/quarantine/n2-1?lang=en", hiddenFields(body))
	d.wants(status, body, 200, "Accepted; the new revision counts.")
	if len(d.stored()) != 0 || len(second.stored()) != 1 {
		t.Errorf("%d interviews are stored by the office, %d by the collector", len(d.stored()), len(second.stored()))
	}
}
