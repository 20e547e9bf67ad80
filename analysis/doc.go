// Package analysis estimates totals, means, proportions and ratios of a population
// from a probability sample, with standard errors that know the design: strata,
// primary sampling units, stages and weights. It compares groups, tests hypotheses and
// fits models with the same errors.
//
// Describe the sample once as a [Design]. Its methods take columns with one element for
// each row, and a domain that says which rows belong, nil for all:
//
//	d, err := analysis.NewDesign(analysis.Columns{Weight: w, Stratum: h, PSU: p})
//	e, err := d.Proportion(literate, women)
//
// Or sum it into [Cells] once and ask for as many crossings of factors as you like:
//
//	c, err := d.Cells(vars, factors)
//	e, err := c.Proportion("literate", analysis.Domain{"sex": "female"})
//	groups, err := c.MeanBy("score", nil, "city")
//
// Cells may as well come from a database that grouped by PSU and factors: whatever is a
// function of totals is estimated from them by the same code, tests and models too. A
// [Stage] describes a selection with finite populations or unequal chances,
// [SecondPhase] a subsample, [Calibration] what the weights were raked or calibrated to,
// and [Settings] the rules: for strata with one PSU, degrees of freedom and intervals.
// Weights are made by package weighting; when they were raked, Cells.Margins and
// Cell.Base let the standard errors profit from it.
//
// Every [Estimate] carries what is needed to trust it: interval, degrees of freedom,
// respondents, design effect, and a [Note] for each fact that a reader must know.
//
// # A rate by region, and the difference of two
//
// From a CSV file with a missing answer, where each region is a stratum:
//
//	const sample = `region,village,weight,literate
//	north,Anshan,410,1
//	north,Anshan,380,0
//	north,Beihe,520,1
//	north,Beihe,450,1
//	north,Cangwu,300,0
//	north,Cangwu,470,1
//	north,Dali,350,1
//	north,Dali,390,1
//	south,Enping,610,0
//	south,Enping,640,1
//	south,Fushan,590,0
//	south,Fushan,700,
//	south,Guide,660,1
//	south,Guide,530,0
//	south,Huian,480,0
//	south,Huian,620,0`
//
//	rows, err := csv.NewReader(strings.NewReader(sample)).ReadAll()
//	if err != nil {
//		log.Fatal(err)
//	}
//	var columns analysis.Columns
//	var literate []float64
//	region := analysis.FactorColumn{Factor: analysis.Factor{ID: "region", Levels: []string{"north", "south"}}}
//	for _, row := range rows[1:] {
//		weight, err := strconv.ParseFloat(row[2], 64)
//		if err != nil {
//			log.Fatal(err)
//		}
//		answer := math.NaN() // missing is never zero
//		if row[3] != "" {
//			if answer, err = strconv.ParseFloat(row[3], 64); err != nil {
//				log.Fatal(err)
//			}
//		}
//		columns.Stratum = append(columns.Stratum, row[0])
//		columns.PSU = append(columns.PSU, row[1])
//		columns.Weight = append(columns.Weight, weight)
//		literate = append(literate, answer)
//		region.Level = append(region.Level, slices.Index(region.Levels, row[0]))
//	}
//	design, err := analysis.NewDesign(columns)
//	if err != nil {
//		log.Fatal(err)
//	}
//	rates, err := design.ProportionTable(literate, nil, region)
//	if err != nil {
//		log.Fatal(err)
//	}
//	for i, e := range rates.Estimates {
//		fmt.Printf("%s: %.1f %% (%.1f to %.1f), n = %d\n", rates.Names[i], 100*e.Value, 100*e.Lo, 100*e.Hi, e.N)
//	}
//	d, err := rates.Difference(0, 1)
//	if err != nil {
//		log.Fatal(err)
//	}
//	fmt.Printf("difference: %.1f points (%.1f to %.1f)\n", 100*d.Value, 100*d.Lo, 100*d.Hi)
//
//	// Output:
//	// north: 79.2 % (24.5 to 97.8), n = 8
//	// south: 31.5 % (4.6 to 81.3), n = 7
//	// difference: 47.7 points (-0.9 to 96.3)
//
// # Stages, finite populations and a stratum with one village
//
// Villages were drawn from each stratum and households in them. A stratum with a single
// village has no variance of its own; the rule says what it adds, and a note names it:
//
//	stratum := []string{"hills", "hills", "hills", "hills", "plain", "plain", "plain", "plain", "islands", "islands"}
//	village := []string{"a", "a", "b", "b", "c", "c", "d", "d", "e", "e"}
//	villages := []float64{20, 20, 20, 20, 30, 30, 30, 30, 12, 12}       // in the stratum
//	households := []float64{80, 80, 60, 60, 120, 120, 150, 150, 40, 40} // in the village
//	books := []float64{3, 4, 9, 12, 6, 5, 14, 17, 20, 22}
//
//	// Without a column of weights they are the product of N/n over the stages.
//	design, err := analysis.NewDesign(analysis.Columns{Stages: []analysis.Stage{
//		{Stratum: stratum, Unit: village, Population: villages},
//		{Population: households},
//	}})
//	if err != nil {
//		log.Fatal(err)
//	}
//	for _, rule := range []analysis.LonePSURule{analysis.LoneAdjust, analysis.LoneCertainty} {
//		e, err := design.WithSettings(analysis.Settings{LonePSU: rule}).Mean(books, nil)
//		if err != nil {
//			log.Fatal(err)
//		}
//		fmt.Printf("%s: %.2f books, SE %.2f, design effect %.2f\n", rule, e.Value, e.SE, e.DEff)
//		for _, n := range e.Notes {
//			if n.Code == analysis.LonePSU {
//				fmt.Println("  one village only in:", n.Subject)
//			}
//		}
//	}
//
//	// Output:
//	// adjust: 10.78 books, SE 3.50, design effect 3.25
//	//   one village only in: islands
//	// certainty: 10.78 books, SE 3.40, design effect 3.09
//	//   one village only in: islands
//
// # Plausible values
//
// Never average plausible values first: estimate with each, then combine. The standard
// errors then hold what the sample and the values leave open (Rubin 1987):
//
//	design, err := analysis.NewDesign(analysis.Columns{
//		Weight:  []float64{20, 25, 30, 20, 15, 25, 30, 20},
//		Stratum: []string{"town", "town", "town", "town", "land", "land", "land", "land"},
//		PSU:     []string{"1", "1", "2", "2", "1", "1", "2", "2"},
//	})
//	if err != nil {
//		log.Fatal(err)
//	}
//	sex := analysis.FactorColumn{
//		Factor: analysis.Factor{ID: "sex", Levels: []string{"female", "male"}},
//		Level:  []int{0, 1, 0, 1, 0, 1, 0, 1},
//	}
//	var each []analysis.Vector
//	for _, score := range [][]float64{
//		{512, 498, 530, 471, 455, 490, 468, 433},
//		{505, 510, 541, 480, 449, 478, 475, 440},
//		{520, 491, 525, 466, 461, 485, 459, 428},
//	} {
//		means, err := design.MeanTable(score, nil, sex)
//		if err != nil {
//			log.Fatal(err)
//		}
//		each = append(each, means.Vector)
//	}
//	means, err := analysis.CombineVectors(each)
//	if err != nil {
//		log.Fatal(err)
//	}
//	for i, e := range means.Estimates {
//		fmt.Printf("%s: %.1f (SE %.1f)\n", means.Names[i], e.Value, e.SE)
//	}
//	d, err := means.Difference(0, 1)
//	if err != nil {
//		log.Fatal(err)
//	}
//	fmt.Printf("difference: %.1f (SE %.1f)\n", d.Value, d.SE)
//
//	// Output:
//	// female: 495.3 (SE 9.8)
//	// male: 474.7 (SE 15.1)
//	// difference: 20.6 (SE 18.7)
//
// # What it promises
//
// The package does no I/O and has no state; it never changes its inputs, and the same
// input gives the same bits on any number of cores. Its numbers agree with R's survey
// package wherever package conformance has a case: closed forms to 1e-9, and to 1e-8
// where R finds the interval of a proportion by iterating a model.
package analysis
