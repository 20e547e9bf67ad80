package main

import (
	"encoding/csv"
	"image/png"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// publishedSample is the state folder of a wave "zj" with three cases, made without
// an engine.
func publishedSample(t *testing.T) string {
	t.Helper()
	state := filepath.Join(t.TempDir(), "state")
	f := stateFlags{State: state}
	q, plan, err := definitionOf("gss-science", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.make(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.waves().Publish("zj", q, plan); err != nil {
		t.Fatal(err)
	}
	if err := f.waves().SaveSample("zj", []byte("case,stratum,psu,weight\nc/1,1,1,1\nc2,1,1,1\n样本3,1,2,1\n")); err != nil {
		t.Fatal(err)
	}
	return state
}

// table reads the CSV that a command printed, without its header.
func table(t *testing.T, out string) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || len(rows) == 0 {
		t.Fatalf("not a table: %v in %q", err, out)
	}
	return rows[1:]
}

func TestLinks(t *testing.T) {
	state := publishedSample(t)
	links := func(more ...string) [][]string {
		t.Helper()
		return table(t, must(t, append([]string{"links", "zj", "--state", state, "--base", "https://s.example.cn/"}, more...)...))
	}
	first := links()
	if len(first) != 3 || first[0][0] != "c/1" || !strings.HasPrefix(first[0][1], "https://s.example.cn/i/") {
		t.Fatalf("links = %v", first)
	}
	for i, row := range links() {
		if row[1] != first[i][1] {
			t.Errorf("the link of %s is another one the second time", row[0])
		}
	}
	replaced := links("--reissue", "c2")
	if len(replaced) != 1 || replaced[0][0] != "c2" || replaced[0][1] == first[1][1] {
		t.Errorf("replaced = %v, want a new link of c2 alone", replaced)
	}
	if now := links(); now[1][1] != replaced[0][1] || now[0][1] != first[0][1] {
		t.Errorf("afterwards %v, want the new link of c2 and the old ones of others", now)
	}
	if status, _, talk := suyang(t, "links", "zj", "--state", state, "--reissue", "c2,c9"); status == 0 || !strings.Contains(talk, "c9") {
		t.Errorf("replacing the link of nobody: %d %q", status, talk)
	}
	if now := links(); now[1][1] != replaced[0][1] {
		t.Error("a refused replacement replaced a link")
	}
}

func TestCodesAndLabels(t *testing.T) {
	state := publishedSample(t)
	folder := filepath.Join(t.TempDir(), "qr")
	sheet := must(t, "links", "zj", "--state", state, "--format", "html", "--lang", "en", "--qr", folder)
	for _, want := range []string{`<html lang="en">`, "Case c/1", "Case 样本3", "<svg", "@page"} {
		if !strings.Contains(sheet, want) {
			t.Errorf("the sheet lacks %q", want)
		}
	}
	for _, name := range []string{"c_1", "c2", "样本3"} {
		f, err := os.Open(filepath.Join(folder, name+".png"))
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(f)
		f.Close()
		if err != nil || img.Bounds().Dx() < 200 || img.Bounds().Dx() != img.Bounds().Dy() {
			t.Errorf("%s.png: %v", name, err)
		}
		if svg, err := os.ReadFile(filepath.Join(folder, name+".svg")); err != nil || !strings.HasPrefix(string(svg), "<svg") {
			t.Errorf("%s.svg: %v", name, err)
		}
	}
}

func TestOpenLink(t *testing.T) {
	state := publishedSample(t)
	row := table(t, must(t, "open-link", "zj", "--name", "poster-1", "--limit", "500", "--until", "2099-12-31", "--state", state, "--base", "https://s.example.cn"))
	u, err := url.Parse(row[0][1])
	if err != nil || !strings.HasPrefix(u.Path, "/o/") || len(u.Path) != len("/o/")+22 || row[0][4] != "500" || row[0][5] != "true" {
		t.Errorf("open link = %v", row)
	}
	again := table(t, must(t, "open-link", "zj", "--name", "poster-1", "--until", "2020-01-01", "--state", state, "--base", "https://s.example.cn"))
	if again[0][1] != row[0][1] || again[0][5] != "false" {
		t.Errorf("changed to end in 2020: %v, want the same address, which takes nothing", again)
	}
	for _, c := range [][]string{{"--limit", "-1"}, {"--from", "2027-01-02", "--until", "2027-01-01"}, {"--until", "tomorrow"}} {
		if status, _, talk := suyang(t, append([]string{"open-link", "zj", "--name", "x", "--state", state}, c...)...); status == 0 || talk == "" {
			t.Errorf("%v is taken", c)
		}
	}
}

// Links to a form that has expired are of no use to anybody, and whoever prints them is told.
func TestLinksOfAnExpiredWave(t *testing.T) {
	state := publishedSample(t)
	if _, _, talk := suyang(t, "links", "zj", "--state", state); talk != "" {
		t.Errorf("the links of a wave in force come with %q", talk)
	}
	f := stateFlags{State: state}
	q, plan, err := definitionOf("gss-science", "")
	if err != nil {
		t.Fatal(err)
	}
	q.Statutory.ValidUntil = "2020-12-31"
	if _, err := f.waves().Publish("zj", q, plan); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{{"links", "zj"}, {"open-link", "zj", "--name", "poster"}} {
		status, out, talk := suyang(t, append(command, "--state", state)...)
		if status != 0 || out == "" || !strings.Contains(talk, "wave zj has expired: its form was valid until 2020-12-31") {
			t.Errorf("%s: status %d, said %q", command[0], status, talk)
		}
	}
	if err := f.waves().Close("zj"); err != nil {
		t.Fatal(err)
	}
	if _, _, talk := suyang(t, "links", "zj", "--state", state); !strings.Contains(talk, "wave zj is closed") {
		t.Errorf("links of a closed wave: said %q", talk)
	}
}
