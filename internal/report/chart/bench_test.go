package chart

import (
	"fmt"
	"testing"

	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/surveys"
)

// BenchmarkSVG is the time of one chart of each kind in an engine that is loaded.
func BenchmarkSVG(b *testing.B) {
	for name, c := range gallery(surveys.ZH) {
		b.Run(name, func(b *testing.B) {
			d := Drawer{BaseMap: madeUp()}
			for range b.N {
				if _, err := d.SVG(c, surveys.ZH, Paper); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// fortyCharts are as many as a provincial report has.
func fortyCharts() (out []*document.Chart) {
	makers := []func() *document.Chart{
		func() *document.Chart { return cities(surveys.ZH, zhejiang) },
		func() *document.Chart { return bars(surveys.ZH) },
		func() *document.Chart { return levels(surveys.ZH, 4) },
		func() *document.Chart { return overTime(surveys.ZH) },
		func() *document.Chart { return grid11(surveys.ZH, zhejiang) },
	}
	for i := range 40 {
		c := makers[i%len(makers)]()
		c.ID = fmt.Sprintf("chart-%d", i)
		out = append(out, c)
	}
	return out
}

// BenchmarkReport draws the charts of a report, in engines that are loaded.
func BenchmarkReport(b *testing.B) {
	all := fortyCharts()
	for range b.N {
		if _, err := (Drawer{}).SVGs(all, surveys.ZH, Paper); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOptions makes the options of a report, which is all that the screen needs.
func BenchmarkOptions(b *testing.B) {
	all := fortyCharts()
	for range b.N {
		for _, c := range all {
			if _, err := (Drawer{}).Option(c, surveys.ZH); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkEngine loads ECharts, which happens once for each core.
func BenchmarkEngine(b *testing.B) {
	for range b.N {
		if _, err := newEngine(); err != nil {
			b.Fatal(err)
		}
	}
}
