package disclosure_test

import (
	"fmt"
	"log"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/disclosure"
)

// Two cities by sex: one cell rests on 6 respondents. With it goes the rest of a square,
// and nothing else: the margins stay.
func ExampleProtect() {
	cell := func(n, literate int, key analysis.Domain) disclosure.Cell {
		return disclosure.Cell{Key: key, N: n, Outcomes: []int{literate}}
	}
	result, err := disclosure.Protect(disclosure.Publication{
		Dimensions: []disclosure.Dimension{{Name: "city", Classes: []string{"Hangzhou", "Lishui", "Ningbo"}}, {Name: "sex", Classes: []string{"female", "male"}}},
		Cells: []disclosure.Cell{
			cell(246, 51, nil),
			cell(120, 30, analysis.Domain{"city": "Hangzhou"}),
			cell(36, 6, analysis.Domain{"city": "Lishui"}),
			cell(90, 15, analysis.Domain{"city": "Ningbo"}),
			cell(106, 21, analysis.Domain{"sex": "female"}),
			cell(140, 30, analysis.Domain{"sex": "male"}),
			cell(60, 14, analysis.Domain{"city": "Hangzhou", "sex": "female"}),
			cell(60, 16, analysis.Domain{"city": "Hangzhou", "sex": "male"}),
			cell(6, 1, analysis.Domain{"city": "Lishui", "sex": "female"}),
			cell(30, 5, analysis.Domain{"city": "Lishui", "sex": "male"}),
			cell(40, 6, analysis.Domain{"city": "Ningbo", "sex": "female"}),
			cell(50, 9, analysis.Domain{"city": "Ningbo", "sex": "male"}),
		},
	}, disclosure.DefaultRules())
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range result.Suppressions() {
		fmt.Println(s.Key["city"], s.Key["sex"], s.Reason)
	}
	fmt.Println("found by an attack:", len(result.Attack()))

	// Output:
	// Lishui female few-respondents
	// Lishui male difference
	// Ningbo female complementary
	// Ningbo male complementary
	// found by an attack: 0
}
