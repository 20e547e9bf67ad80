package report

import (
	"bytes"
	"os"
	"testing"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
)

func render(t *testing.T, r *assess.Results, lang surveys.Lang) string {
	t.Helper()
	var b bytes.Buffer
	if err := HTML(&b, r, lang, fixtureOptions); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
func TestX(t *testing.T) {
	os.WriteFile("/tmp/zh.html", []byte(render(t, single(), surveys.ZH)), 0o644)
	os.WriteFile("/tmp/en.html", []byte(render(t, single(), surveys.EN)), 0o644)
	os.WriteFile("/tmp/series.html", []byte(render(t, series(), surveys.ZH)), 0o644)
}
