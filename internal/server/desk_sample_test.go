package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/office"
)

const deskPlan = `title: Households
seed: 7
frame: frame.csv
strata: [county]
stages:
  - {unit: village, method: pps-systematic, size: households, number: 2}
  - {unit: household, method: systematic, number: 3, reserve: {replicates: 2, each: 2}}
person: kish
`

// deskFrameFile stands for the file that was drawn from.
var deskFrameFile = []byte("code,households\n330106001001,40\n")

// drawn keeps a draw of households in three counties for the wave of the desk.
func (d *deskSite) drawn() *fieldwork.Draw {
	d.t.Helper()
	sum := sha256.Sum256(deskFrameFile)
	f := &fieldwork.Frame{Hash: hex.EncodeToString(sum[:]), Vintage: "2023"}
	for _, county := range []string{"330106", "330102", "330203"} {
		for v := range 4 {
			f.Units = append(f.Units, fieldwork.FrameUnit{Code: fmt.Sprintf("%s001%03d", county, v+1), Class: "urban", Households: 40 + 10*v})
		}
	}
	plan, err := fieldwork.ReadDrawPlan("plan.yaml", []byte(deskPlan))
	d.must(err)
	draw, err := plan.Draw(f, "suyang test", nil)
	d.must(err)
	cases, err := draw.Cases(1)
	d.must(err)
	d.must(d.office.PutDraw(d.t.Context(), office.NewDraw{Wave: "village", Draw: draw, Released: 1, Cases: cases, Frame: deskFrameFile, By: "stat", At: noon}))
	return draw
}

// The page shows everything that the draw is proved with, and gives the file byte for byte.
func TestDeskSample(t *testing.T) {
	d := newDesk(t)
	stat := d.as("stat")
	if status, body := stat.open("/desk/village/sample"); status != http.StatusOK || !strings.Contains(body, "were not drawn here") {
		t.Errorf("a sample from elsewhere: %d", status)
	}
	if status, _ := stat.open("/desk/village/sample/draw"); status != http.StatusNotFound {
		t.Errorf("its draw file: %d, want 404", status)
	}
	draw := d.drawn()
	kept, err := d.office.Draw(t.Context(), "village")
	d.must(err)
	status, body := stat.open("/desk/village/sample")
	for _, want := range []string{draw.Frame.Hash, draw.Plan.Hash, kept.Hash, kept.Seal.String(), "suyang test", "2023", "frame.csv · 12", "1 of 2 replicates",
		"by a committed number (Kish)", "suyang draw --replay village-draw.jsonl --frame frame.csv", "title: Households\n", "2026-06-01 12:00:00 · stat"} {
		if status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("the page (%d) lacks %q", status, want)
		}
	}
	var file bytes.Buffer
	d.must(draw.Write(&file))
	if status, body := stat.open("/desk/village/sample/draw"); status != http.StatusOK || body != file.String() {
		t.Errorf("the draw file: %d, %d bytes of %d", status, len(body), file.Len())
	}
	if status, got := stat.open("/desk/village/sample/frame"); status != http.StatusOK || got != string(deskFrameFile) || !strings.Contains(body, "/desk/village/sample/frame?") {
		t.Errorf("the frame: %d, %q", status, got)
	}
	// In each county 2 of 4 villages with 3 households, 2 more of the first replicate and 2
	// left of the second.
	if got, want := lines(stat.rows("/desk/village/sample", "strata")), "330102 Shangcheng District | 4 | 4 | 2 | 0 | 10 | 4\n330106 Xihu District | 4 | 4 | 2 | 0 | 10 | 4\n330203 Haishu District | 4 | 4 | 2 | 0 | 10 | 4"; got != want {
		t.Errorf("strata:\n%s\nwant\n%s", got, want)
	}
	// A household is drawn with 2·h/220 × 7/h, of which 5/7 are released: weight 22. With
	// them are the five and the one case of weight 100 that were there before.
	hangzhou := 25 * (20*22.0*22 + 5*100*100) / ((20*22.0 + 500) * (20*22.0 + 500))
	for _, r := range stat.rows("/desk/village/sample", "weights") {
		deff, err := strconv.ParseFloat(r[6], 64)
		if r[0] == "3301 Hangzhou" && (r[1] != "25" || err != nil || deff < hangzhou-1e-9 || deff > hangzhou+1e-9) {
			t.Errorf("weights of Hangzhou: %v, want n 25, deff %v", r, hangzhou)
		}
		if r[0] == "3302 Ningbo" && (r[1] != "11" || r[4] != "100") {
			t.Errorf("weights of Ningbo: %v", r)
		}
	}
	for login, want := range map[string]int{"province": http.StatusOK, "hangzhou": http.StatusForbidden, "reader": http.StatusForbidden} {
		for _, path := range []string{"/desk/village/sample", "/desk/village/sample/draw"} {
			if status, _ := d.as(login).open(path); status != want {
				t.Errorf("%s opens %s: %d, want %d", login, path, status, want)
			}
		}
	}
}
