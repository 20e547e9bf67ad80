package margins_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/margins"
)

func TestReadTable(t *testing.T) {
	both := map[string]float64{"male/young": 10, "male/old": 300, "female/young": 20, "female/old": 400}
	for _, tt := range []struct {
		name    string
		csv     string
		factors []assess.Factor
		want    map[string]float64
	}{
		{"codes", "sex,age,n\nmale,young,10\nmale,old,300\nfemale,young,20\nfemale,old,400\n", []assess.Factor{sex(), age()}, both},
		{"byte order mark, other columns, other order, lines of Windows", "\ufeffn,name,age,sex\r\n400,x,old,female\r\n20,y,young,female\r\n10,,young,male\r\n300,z,old,male\r\n", []assess.Factor{sex(), age()}, both},
		{"quotes, blanks, no last line end, blank lines of a spreadsheet", "sex, age ,n\n\"male\",young, 10 \n,,\nmale,old,3e2\n\nfemale,young,20.0\nfemale,old,+400", []assess.Factor{sex(), age()}, both},
		{"values", "sex,n\n1,620\n2,480", []assess.Factor{sex()}, map[string]float64{"male": 620, "female": 480}},
		{"all values of a level are added up", "area,n\ncity,600\nvillage,300\nsuburb,50.5", []assess.Factor{area()}, map[string]float64{"town": 650.5, "land": 300}},
		{"one level by code and one by values", "area,n\ntown,600\nvillage,0", []assess.Factor{area()}, map[string]float64{"town": 600, "land": 0}},
		{"single years of age", "sex,age,n\n1,18,3\n1,19,3\n1,20,4\n1,old,300\n2,20,10\n2,19,5\n2,18,5\n2,old,400", []assess.Factor{sex(), age()}, both},
		{"an open end begins at its number", "age,n\n18,100\n19,100\n20,100\n21,5\n22,6", []assess.Factor{age()}, map[string]float64{"young": 300, "old": 11}},
	} {
		m, err := margins.ReadTable("m.csv", strings.NewReader(tt.csv), tt.factors, "n")
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		sameTargets(t, tt.name, m.Targets, tt.want)
		if m.Source != "m.csv" || len(m.Factors) != len(tt.factors) || m.Name != strings.Join(m.Factors, "/") {
			t.Errorf("%s: margin %+v", tt.name, m)
		}
	}
}

func TestReadTableFaults(t *testing.T) {
	mixed := assess.Factor{ID: "sex", Levels: []assess.Level{{Code: "1", Values: []string{"2"}}, {Code: "2", Values: []string{"1"}}}}
	wide := assess.Factor{ID: "wide"}
	for i := range 101 {
		wide.Levels = append(wide.Levels, assess.Level{Code: fmt.Sprint(i), Values: []string{fmt.Sprint(i)}})
	}
	wider := wide
	wider.ID = "wider"
	noLevels := assess.Factor{ID: "none"}
	for _, tt := range []struct {
		name    string
		csv     string
		factors []assess.Factor
		column  string
		want    []string
	}{
		{"empty", "", nil, "n", []string{"m.csv", "the file is empty"}},
		{"only blanks", "\ufeff \n\n", nil, "n", []string{"the file is empty"}},
		{"no levels", "sex,n\n\n", nil, "n", []string{"m.csv", "no line below"}},
		{"not UTF-8", "sex,n\n\xc4\xd0,1", nil, "n", []string{"m.csv", "CSV UTF-8"}},
		{"UTF-16", "\xff\xfes\x00", nil, "n", []string{"CSV UTF-8"}},
		{"semicolons", "sex;n\nmale;1", nil, "n", []string{"m.csv:1", "separated by commas"}},
		{"tabs", "sex\tn\nmale\t1", nil, "n", []string{"m.csv:1", "separated by commas"}},
		{"open quote", "sex,n\nmale,\"1\nfemale,2\n", nil, "n", []string{"m.csv:", "quotes"}},
		{"quote in a value", "sex,n\nma\"le,1\n", nil, "n", []string{"m.csv:2", "quotes"}},
		{"quote in the head", "s\"ex,n\n", nil, "n", []string{"m.csv:1", "quotes"}},
		{"no such columns", "gender,people\nmale,1", nil, "n", []string{`m.csv:1`, `no column "sex"`, `no column "n"`, "gender, people"}},
		{"two columns of one name", "sex,n,n\nmale,1,2", nil, "n", []string{"m.csv:1", `two columns "n"`}},
		{"column of counts without a name", "sex,n\nmale,1", nil, "", []string{"m.csv:1", "sex, n"}},
		{"column of counts is the factor", "sex,n\nmale,1", nil, "sex", []string{"m.csv:1", `cannot be "sex"`}},
		{"too few values", "sex,n\nmale\nfemale,2", nil, "n", []string{"m.csv:2", "1 values", "2 columns"}},
		{"thousands without quotes", "sex,n\nmale,1,234\nfemale,2", nil, "n", []string{"m.csv:2", "3 values", "thousands separators"}},
		{"thousands with quotes", "sex,n\nmale,\"1,234,567\"\nfemale,2", nil, "n", []string{"m.csv:2", `"1,234,567"`, "thousands separators"}},
		{"thousands with blanks", "sex,n\nmale,1 234 567\nfemale,2", nil, "n", []string{"m.csv:2", "thousands separators"}},
		{"thousands with points", "sex,n\nmale,1.234.567\nfemale,2", nil, "n", []string{"m.csv:2", "thousands separators"}},
		{"thousands, Chinese comma", "sex,n\nmale,123，456\nfemale,2", nil, "n", []string{"m.csv:2", "thousands separators"}},
		{"percent", "sex,n\nmale,52.4%\nfemale,47.6％", nil, "n", []string{"m.csv:2", "m.csv:3", "is a share", "the total"}},
		{"shares of 100", "sex,n\nmale,52.4\nfemale,47.6", nil, "n", []string{`column "n" adds up to 100`, "the total"}},
		{"rounded shares of 100", "sex,n\nmale,52.4\nfemale,47.7", nil, "n", []string{"adds up to 100.1"}},
		{"whole shares of 100", "sex,n\nmale,52\nfemale,48", nil, "n", []string{"adds up to 100", "100 if they are counts"}},
		{"shares of 1", "sex,n\nmale,0.524\nfemale,0.476", nil, "n", []string{"adds up to 1"}},
		{"ten thousands", "sex,n\nmale,2562万\nfemale,2", nil, "n", []string{"m.csv:2", "is no count"}},
		{"decimal comma", "sex,n\nmale,\"52,5\"\nfemale,2", nil, "n", []string{"m.csv:2", "is no count"}},
		{"negative", "sex,n\nmale,-5\nfemale,2", nil, "n", []string{"m.csv:2", `"-5" is negative`}},
		{"not a number", "sex,n\nmale,NaN\nfemale,2", nil, "n", []string{"m.csv:2", `"NaN" is no count`}},
		{"infinite", "sex,n\nmale,Inf\nfemale,1e999", nil, "n", []string{"m.csv:2", `"Inf" is no count`, "m.csv:3", "too large"}},
		{"hexadecimal", "sex,n\nmale,0x10\nfemale,2", nil, "n", []string{"m.csv:2", "is no count"}},
		{"sum infinite", "sex,n\nmale,1e308\nfemale,1e308", nil, "n", []string{"m.csv", "add up to +Inf"}},
		{"nobody", "sex,n\nmale,0\nfemale,0", nil, "n", []string{"m.csv", "add up to 0"}},
		{"no count", "sex,n\nmale,\nfemale,2", nil, "n", []string{"m.csv:2", "there is no count", "0 if nobody"}},
		{"no level", "sex,n\n,5\nmale,2", nil, "n", []string{"m.csv:2", `no level of "sex"`, "male, female"}},
		{"unknown level", "sex,n\nmale,5\nfemale,2\ntotal,7", nil, "n", []string{"m.csv:4", `"sex" has no level "total"`, "male, female"}},
		{"level twice", "sex,n\nmale,5\nfemale,2\nmale,5", nil, "n", []string{"m.csv:4", `level "male"`, "line 2"}},
		{"code and value", "sex,n\nmale,5\nfemale,2\n1,5", nil, "n", []string{"m.csv", `"male"`, "by its code and by values (male, 1)"}},
		{"code of one and value of another", "sex,n\n1,5\n2,5", []assess.Factor{mixed}, "n", []string{"m.csv:2", `"1" is the code of one level`}},
		{"level missing", "sex,n\nmale,5", nil, "n", []string{"m.csv", `"female" of "sex" is missing`, "0 if nobody"}},
		{"value missing", "area,n\ncity,5\nvillage,7", []assess.Factor{area()}, "n", []string{"m.csv", `its value "suburb" is missing`}},
		{"year missing", "age,n\n18,5\n20,7\nold,9", []assess.Factor{age()}, "n", []string{"m.csv", `"young"`, "19 is missing"}},
		{"year missing above an open end", "age,n\nyoung,5\n21,7\n23,9", []assess.Factor{age()}, "n", []string{`"old"`, "22 is missing"}},
		{"too wide a range", "age,n\nyoung,5\n21,7\n2000000000,9", []assess.Factor{age()}, "n", []string{`"old"`, "write its code"}},
		{"half a year", "age,n\n18.5,5\nold,9", []assess.Factor{age()}, "n", []string{"m.csv:2", "only whole numbers"}},
		{"crossing missing", "sex,age,n\nmale,young,5\nmale,old,7\nfemale,old,9", []assess.Factor{sex(), age()}, "n", []string{"m.csv", `levels are missing: "female/young"`}},
		{"many levels missing", "wide,n\n0,1", []assess.Factor{wide}, "n", []string{`level "1" of "wide" is missing`, "and 80 more faults"}},
		{"many crossings missing", "wide,sex,n\n" + diagonal(101), []assess.Factor{wide, sex()}, "n", []string{`levels are missing: "0/female", "1/male"`, "and more;"}},
		{"unknown level of many", "wide,n\nx,1", []assess.Factor{wide}, "n", []string{"m.csv:2", "10, 11 and 89 more"}},
		{"no factors", "n\n1", []assess.Factor{}, "n", []string{"m.csv", "no factors"}},
		{"factor without levels", "none,n\nx,1", []assess.Factor{noLevels}, "n", []string{"m.csv", `"none" of the margin has no levels`}},
		{"factor twice", "sex,n\nmale,1", []assess.Factor{sex(), sex()}, "n", []string{"m.csv", `factor "sex" twice`}},
		{"too many crossings", "wide,wider,n\n0,0,1", []assess.Factor{wide, wider}, "n", []string{"m.csv", "more than 10000 levels"}},
	} {
		if tt.factors == nil {
			tt.factors = []assess.Factor{sex()}
		}
		_, err := margins.ReadTable("m.csv", strings.NewReader(tt.csv), tt.factors, tt.column)
		refused(t, tt.name, err, tt.want...)
	}
}

// All faults come at once, but not thousands of them.
func TestReadTableTellsManyFaults(t *testing.T) {
	src := "sex,n\n" + strings.Repeat("x,-1\n", 500)
	_, err := margins.ReadTable("m.csv", strings.NewReader(src), []assess.Factor{sex()}, "n")
	refused(t, "500 lines with two faults", err, "m.csv:2:", "m.csv:11:", "and 980 more faults")
	if n := strings.Count(err.Error(), "\n"); n != 20 {
		t.Errorf("%d lines of faults, want 21", n+1)
	}
}

func TestReadTableLimits(t *testing.T) {
	huge := io.MultiReader(strings.NewReader("sex,n\nmale,"), bytes.NewReader(bytes.Repeat([]byte("1"), 16<<20)))
	_, err := margins.ReadTable("m.csv", huge, []assess.Factor{sex()}, "n")
	refused(t, "17 MB", err, "m.csv", "16777216 bytes")
	_, err = margins.ReadTable("m.csv", strings.NewReader("sex,n\n"+strings.Repeat("1,1\n", 100_001)), []assess.Factor{sex()}, "n")
	refused(t, "100,001 lines", err, "m.csv:100002", "100000 lines")
	broken := errors.New("broken")
	if _, err := margins.ReadTable("m.csv", iotest.ErrReader(broken), []assess.Factor{sex()}, "n"); !errors.Is(err, broken) {
		t.Errorf("ReadTable() error = %v, want that of the reader", err)
	}
}

func TestReadShares(t *testing.T) {
	for _, tt := range []struct {
		name, csv string
		male      float64 // of 1000
		scaled    float64 // relatively, 0 if the shares add up
	}{
		{"percent", "sex,p\nmale,52.4\nfemale,47.6", 524, 0},
		{"percent signs", "sex,p\nmale,52.4%\nfemale,47.6 %", 524, 0},
		{"shares of 1", "sex,p\nmale,0.524\nfemale,0.476", 524, 0},
		{"whole percent", "sex,p\nmale,52\nfemale,48", 520, 0},
		// 1000 × 33.3/99.9 = 1000/3, and 100/99.9 − 1
		{"rounded", "area,p\ncity,33.3\nsuburb,33.3\nvillage,33.3", 2000.0 / 3, 100/99.9 - 1},
		{"counts that add up to 100", "sex,p\nmale,60\nfemale,40", 600, 0},
	} {
		f, level := sex(), "male"
		if strings.HasPrefix(tt.csv, "area") {
			f, level = area(), "town"
		}
		m, assumed, err := margins.ReadShares("s.csv", strings.NewReader(tt.csv), []assess.Factor{f}, "p", 1000)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		near(t, tt.name, m.Targets[level], tt.male)
		near(t, tt.name+": total", m.Total(), 1000)
		if tt.scaled == 0 {
			if len(assumed) != 0 {
				t.Errorf("%s: assumptions %v, want none", tt.name, assumed)
			}
			continue
		}
		if len(assumed) != 1 || assumed[0].Code != margins.MarginScaled || assumed[0].Subject != m.Name || math.Abs(assumed[0].Value-tt.scaled) > 1e-12 {
			t.Errorf("%s: assumptions %+v, want one of %v", tt.name, assumed, tt.scaled)
		}
	}
}

func TestReadSharesFaults(t *testing.T) {
	for _, tt := range []struct {
		name, csv string
		total     float64
		want      []string
	}{
		{"no total", "sex,p\nmale,52\nfemale,48", 0, []string{"s.csv", "the total of the shares is 0"}},
		{"total not a number", "sex,p\nmale,52\nfemale,48", math.NaN(), []string{"NaN"}},
		{"total infinite", "sex,p\nmale,52\nfemale,48", math.Inf(1), []string{"+Inf"}},
		{"do not add up", "sex,p\nmale,52.0\nfemale,47.0", 1000, []string{"s.csv:1", "add up to 99", "100"}},
		{"counts", "sex,p\nmale,5200\nfemale,4800", 1000, []string{"add up to 10000"}},
		{"percent that add up to 1", "sex,p\nmale,0.52%\nfemale,0.48%", 1000, []string{"add up to 1"}},
		{"some signs", "sex,p\nmale,52%\nfemale,48", 1000, []string{"s.csv:3", "percent sign"}},
		{"negative", "sex,p\nmale,152%\nfemale,-52%", 1000, []string{"s.csv:3", "negative"}},
		{"level missing", "sex,p\nmale,100", 1000, []string{`"female" of "sex" is missing`}},
		{"empty", "", 1000, []string{"empty"}},
	} {
		_, _, err := margins.ReadShares("s.csv", strings.NewReader(tt.csv), []assess.Factor{sex()}, "p", tt.total)
		refused(t, tt.name, err, tt.want...)
	}
}

// Whatever a file holds, a table that is read has a finite count for every level, and is
// the same when it is read again; one that is not read names the file.
func FuzzReadTable(f *testing.F) {
	for _, s := range []string{
		"sex,age,n\nmale,young,10\nmale,old,300\nfemale,young,20\nfemale,old,400\n",
		"\ufeffn,age,sex\r\n1,18,1\r\n", "sex,age,n\n1,18,3\n1,19,3\n1,20,4\n1,21,9\n2,old,1\n2,young,2",
		"sex;n\n", "sex,age,n\nmale,\"\n", "sex,age,n\n,,\n", "sex,age,n\nmale,-2147483648,1e308\nmale,2147483647,1%",
	} {
		f.Add([]byte(s))
	}
	fs := []assess.Factor{sex(), {ID: "age", Levels: []assess.Level{{Code: "young", Below: ptr(21)}, {Code: "old", Min: ptr(21)}}}}
	levels := assess.Crossing(fs)
	f.Fuzz(func(t *testing.T, src []byte) {
		m, err := margins.ReadTable("m.csv", bytes.NewReader(src), fs, "n")
		if err != nil {
			if !strings.HasPrefix(err.Error(), "m.csv:") {
				t.Fatalf("error %q does not begin with the file", err)
			}
			return
		}
		if len(m.Targets) != len(levels) {
			t.Fatalf("%d levels, want %d", len(m.Targets), len(levels))
		}
		for _, code := range levels {
			if n, ok := m.Targets[code]; !ok || !(n >= 0) || math.IsInf(n, 1) {
				t.Fatalf("level %q: %v, %v", code, n, ok)
			}
		}
		// Written down and read again, it is the same.
		var out strings.Builder
		out.WriteString("sex,age,n\n")
		for _, code := range levels {
			fmt.Fprintf(&out, "%s,%v\n", strings.ReplaceAll(code, "/", ","), m.Targets[code])
		}
		again, err := margins.ReadTable("m.csv", strings.NewReader(out.String()), fs, "n")
		if err != nil {
			if strings.Contains(err.Error(), "as shares do") {
				return // a sum such as 1.1 reads as shares when it is written with fewer decimals
			}
			t.Fatalf("read again: %v", err)
		}
		for _, code := range levels {
			if again.Targets[code] != m.Targets[code] {
				t.Fatalf("level %q: %v, read again %v", code, m.Targets[code], again.Targets[code])
			}
		}
	})
}

// diagonal has lines of n levels, each with one of two sexes only.
func diagonal(n int) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, "%d,%s,5\n", i, []string{"male", "female"}[i%2])
	}
	return out.String()
}
