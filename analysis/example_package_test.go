package analysis_test

import (
	"encoding/csv"
	"fmt"
	"log"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

// A sample as a CSV file: the literacy rate of two regions, which are the strata, with
// intervals, and their difference. R survey 4.1 (svyby with svyciprop, and svycontrast of
// svyby with covmat) has the same numbers.
func Example_regions() {
	const sample = `region,village,weight,literate
north,Anshan,410,1
north,Anshan,380,0
north,Beihe,520,1
north,Beihe,450,1
north,Cangwu,300,0
north,Cangwu,470,1
north,Dali,350,1
north,Dali,390,1
south,Enping,610,0
south,Enping,640,1
south,Fushan,590,0
south,Fushan,700,
south,Guide,660,1
south,Guide,530,0
south,Huian,480,0
south,Huian,620,0`

	rows, err := csv.NewReader(strings.NewReader(sample)).ReadAll()
	if err != nil {
		log.Fatal(err)
	}
	var columns analysis.Columns
	var literate []float64
	region := analysis.FactorColumn{Factor: analysis.Factor{ID: "region", Levels: []string{"north", "south"}}}
	for _, row := range rows[1:] {
		weight, err := strconv.ParseFloat(row[2], 64)
		if err != nil {
			log.Fatal(err)
		}
		answer := math.NaN() // missing is never zero
		if row[3] != "" {
			if answer, err = strconv.ParseFloat(row[3], 64); err != nil {
				log.Fatal(err)
			}
		}
		columns.Stratum = append(columns.Stratum, row[0])
		columns.PSU = append(columns.PSU, row[1])
		columns.Weight = append(columns.Weight, weight)
		literate = append(literate, answer)
		region.Level = append(region.Level, slices.Index(region.Levels, row[0]))
	}
	design, err := analysis.NewDesign(columns)
	if err != nil {
		log.Fatal(err)
	}
	rates, err := design.ProportionTable(literate, nil, region)
	if err != nil {
		log.Fatal(err)
	}
	for i, e := range rates.Estimates {
		fmt.Printf("%s: %.1f %% (%.1f to %.1f), n = %d\n", rates.Names[i], 100*e.Value, 100*e.Lo, 100*e.Hi, e.N)
	}
	d, err := rates.Difference(0, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("difference: %.1f points (%.1f to %.1f)\n", 100*d.Value, 100*d.Lo, 100*d.Hi)

	// Output:
	// north: 79.2 % (24.5 to 97.8), n = 8
	// south: 31.5 % (4.6 to 81.3), n = 7
	// difference: 47.7 points (-0.9 to 96.3)
}

// Villages were drawn from each stratum and households in them; one stratum has a single
// village. R survey 4.1 (options(survey.lonely.psu = "adjust"), svymean with deff) has the
// same SE and design effect.
func Example_stages() {
	stratum := []string{"hills", "hills", "hills", "hills", "plain", "plain", "plain", "plain", "islands", "islands"}
	village := []string{"a", "a", "b", "b", "c", "c", "d", "d", "e", "e"}
	villages := []float64{20, 20, 20, 20, 30, 30, 30, 30, 12, 12}       // in the stratum
	households := []float64{80, 80, 60, 60, 120, 120, 150, 150, 40, 40} // in the village
	books := []float64{3, 4, 9, 12, 6, 5, 14, 17, 20, 22}

	// Without a column of weights they are the product of N/n over the stages.
	design, err := analysis.NewDesign(analysis.Columns{Stages: []analysis.Stage{
		{Stratum: stratum, Unit: village, Population: villages},
		{Population: households},
	}})
	if err != nil {
		log.Fatal(err)
	}
	for _, rule := range []analysis.LonePSURule{analysis.LoneAdjust, analysis.LoneCertainty} {
		e, err := design.WithSettings(analysis.Settings{LonePSU: rule}).Mean(books, nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %.2f books, SE %.2f, design effect %.2f\n", rule, e.Value, e.SE, e.DEff)
		for _, n := range e.Notes {
			if n.Code == analysis.LonePSU {
				fmt.Println("  one village only in:", n.Subject)
			}
		}
	}

	// Output:
	// adjust: 10.78 books, SE 3.50, design effect 3.25
	//   one village only in: islands
	// certainty: 10.78 books, SE 3.40, design effect 3.09
	//   one village only in: islands
}

// Scores that are known by three plausible values each: the means of two groups and
// their difference, once with each value, combined by Rubin's rules. R survey 4.1 with
// mitools 2.4 (MIcombine) has the same values and SE.
func Example_plausibleValues() {
	design, err := analysis.NewDesign(analysis.Columns{
		Weight:  []float64{20, 25, 30, 20, 15, 25, 30, 20},
		Stratum: []string{"town", "town", "town", "town", "land", "land", "land", "land"},
		PSU:     []string{"1", "1", "2", "2", "1", "1", "2", "2"},
	})
	if err != nil {
		log.Fatal(err)
	}
	sex := analysis.FactorColumn{
		Factor: analysis.Factor{ID: "sex", Levels: []string{"female", "male"}},
		Level:  []int{0, 1, 0, 1, 0, 1, 0, 1},
	}
	var each []analysis.Vector
	for _, score := range [][]float64{
		{512, 498, 530, 471, 455, 490, 468, 433},
		{505, 510, 541, 480, 449, 478, 475, 440},
		{520, 491, 525, 466, 461, 485, 459, 428},
	} {
		means, err := design.MeanTable(score, nil, sex)
		if err != nil {
			log.Fatal(err)
		}
		each = append(each, means.Vector)
	}
	means, err := analysis.CombineVectors(each)
	if err != nil {
		log.Fatal(err)
	}
	for i, e := range means.Estimates {
		fmt.Printf("%s: %.1f (SE %.1f)\n", means.Names[i], e.Value, e.SE)
	}
	d, err := means.Difference(0, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("difference: %.1f (SE %.1f)\n", d.Value, d.SE)

	// Output:
	// female: 495.3 (SE 9.8)
	// male: 474.7 (SE 15.1)
	// difference: 20.6 (SE 18.7)
}

// The package comment shows the examples of this file, and what they print.
func TestPackageCommentShowsTheExamples(t *testing.T) {
	source, err := os.ReadFile("example_package_test.go")
	if err != nil {
		t.Fatal(err)
	}
	comment, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Example_regions", "Example_stages", "Example_plausibleValues"} {
		_, body, found := strings.Cut(string(source), "func "+name+"() {\n")
		body, _, ends := strings.Cut(body, "\n}\n")
		if !found || !ends {
			t.Fatalf("no example %s", name)
		}
		var want strings.Builder
		for _, line := range strings.Split(body, "\n") {
			line = strings.TrimPrefix(line, "\t")
			if line == "" {
				want.WriteString("//\n")
			} else {
				want.WriteString("//\t" + line + "\n")
			}
		}
		if !strings.Contains(string(comment), want.String()) {
			t.Errorf("doc.go does not show %s; it should have:\n%s", name, want.String())
		}
	}
}
