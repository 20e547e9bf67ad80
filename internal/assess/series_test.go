package assess_test

import (
	"io/fs"
	"math"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
)

// series are the published rates of the library.
func series(t testing.TB) ([]assess.Reference, []assess.SameCriterion, fs.FS) {
	t.Helper()
	folder, err := fs.Sub(library.FS, "literacy-series")
	if err != nil {
		t.Fatal(err)
	}
	refs, same, err := assess.ReadSeries(folder)
	if err != nil {
		t.Fatal(err)
	}
	return refs, same, folder
}

func TestReadSeries(t *testing.T) {
	refs, same, _ := series(t)
	find := func(code string, year int) assess.Reference {
		for _, r := range refs {
			if r.Code == code && r.Year == year {
				return r
			}
		}
		t.Fatalf("there is no rate of %s in %d", code, year)
		return assess.Reference{}
	}
	zj := find("330000", 2020)
	if zj.Rate != 0.1353 || !math.IsNaN(zj.SE) || zj.N != 0 || zj.Criterion != "knowledge_ability" || zj.Survey != "national" || zj.Grade != "B;B" || !strings.Contains(zj.Source[surveys.EN], "2020 results by province") || !strings.Contains(zj.Source[surveys.ZH], "2020 年各省结果和知识、能力框架；") {
		t.Errorf("Zhejiang 2020 = %+v", zj)
	}
	if own := find("330000", 2013); own.Criterion != "not_stated" || own.Survey != "own" {
		t.Errorf("Zhejiang's own survey = %+v", own)
	}
	if derived := find("330000", 2010); derived.Certainty != "derived" || derived.Note[surveys.EN] != "6.98 - 1.37" || derived.Note[surveys.ZH] != "由 6.98 − 1.37 推算" {
		t.Errorf("Zhejiang 2010 = %+v", derived)
	}
	if n := find(assess.NationCode, 2023); n.Rate != 0.1414 || n.N != 289000 || n.Criterion != "points_70" || n.Grade != "C" {
		t.Errorf("the nation in 2023 = %+v", n)
	}
	if n := find(assess.NationCode, 2007); !strings.HasSuffix(n.Note[surveys.ZH], "[美国国家科学基金会《科学与工程指标 2012》各国题目]") || n.Note[surveys.EN] != "n as cited by NSF [NSF Indicators 2012 items by country]" {
		t.Errorf("the note that cites a source = %q", n.Note)
	}
	if len(same) != 1 || same[0] != (assess.SameCriterion{Published: "points_70", Questionnaire: "cast-2022-40-20-20-20"}) {
		t.Errorf("criteria = %v", same)
	}
}

func TestReadSeriesFaults(t *testing.T) {
	_, _, folder := series(t)
	for _, c := range []struct{ file, old, new, want string }{
		{"national.csv", "15.37,S7", "153.7,S7", "national.csv:15: invalid: value_percent \"153.7\""},
		{"national.csv", "14,2024,literate,15.37,S7,C,sourced", "14,2024,literate,15.37,S7,C,certain", `certainty "certain"`},
		{"national.csv", "14,2024,literate,15.37,S7,C,", "14,2024,literate,15.37,S7,D,", `grade "D"`},
		{"national.csv", "wave,year", "year,wave", "national.csv:1: invalid: the columns"},
		{"national.csv", "15.37,S7", "15.37,S777", `no source "S777"`},
		{"provinces.csv", "11,2020,province,330000", "91,2020,province,330000", `no national survey with the number "91"`},
		{"provinces.csv", ",330000,浙江省,13.53", ",33,浙江省,13.53", `code "33"`},
		{"provinces.csv", "13.53,S10;S11", "13.53,", "needs source and grade"},
		{"criteria.csv", "points_70,", "points_60,", `criterion "points_60" is none`},
		{"criteria.csv", ",no,", ",perhaps,", `same_items is "perhaps"`},
		{"sources.csv", "id,title", "ID,title", "the columns are"},
		{"sources.csv", "杭州的数值和目标,", ",", "title_zh and title_en say the same in two languages"},
		{"sources.csv", "杭州的数值和目标,", "Hangzhou,", `title_zh "Hangzhou" has no Chinese character`},
		{"sources.csv", "Hangzhou values and targets", "杭州", `title_en "杭州" has Chinese characters`},
		{"national.csv", "设计样本量 300000 人,300000 designed", ",300000 designed", "national.csv:14: invalid: note_zh and note_en"},
		{"provinces.csv", "由 6.98 − 1.37 推算", "6.98 - 1.37", `provinces.csv:12: invalid: note_zh "6.98 - 1.37" has no Chinese`},
		{"provinces.csv", "rank 6 is sourced [S18]", "rank 6 is sourced [S180]", "refers to [S180], but there is no such source"},
	} {
		files := fstest.MapFS{}
		for _, name := range []string{"national.csv", "provinces.csv", "criteria.csv", "sources.csv"} {
			src, err := fs.ReadFile(folder, name)
			if err != nil {
				t.Fatal(err)
			}
			if name == c.file {
				if !strings.Contains(string(src), c.old) {
					t.Fatalf("%s has no %q", name, c.old)
				}
				src = []byte(strings.Replace(string(src), c.old, c.new, 1))
			}
			files[name] = &fstest.MapFile{Data: src}
		}
		if _, _, err := assess.ReadSeries(files); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %q: error %v, want %q", c.file, c.new, err, c.want)
		}
	}
	if _, _, err := assess.ReadSeries(fstest.MapFS{}); err == nil {
		t.Error("nothing was read without an error")
	}
}
