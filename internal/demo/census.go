package demo

import (
	"encoding/csv"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// Census is what the synthetic population follows: the people aged 18 to 69 of each
// city by age group, its urban share, and the province's share of men by age group.
type Census struct {
	Cities    []City
	MaleShare [5]float64
}

// City is one prefecture-level city.
type City struct {
	Code       string
	Ages       [5]float64 // people by age group, 18–29 … 60–69
	UrbanShare float64
}

// ReadCensus reads the margins of the province with this six-digit code from the
// folder of census files.
func ReadCensus(files fs.FS, province string) (Census, error) {
	var c Census
	rows, err := readTable(files, "cities.csv")
	if err != nil {
		return c, err
	}
	for _, r := range rows {
		if r["code"] == province || !strings.HasPrefix(r["code"], province[:2]) {
			continue
		}
		city := City{Code: r["code"]}
		for g := range ageGroups {
			if city.Ages[g], err = r.number(ageGroups[g].column); err != nil {
				return c, err
			}
		}
		urban, err := r.number("urban")
		if err != nil {
			return c, err
		}
		total, err := r.number("total")
		if err != nil {
			return c, err
		}
		city.UrbanShare = urban / total
		c.Cities = append(c.Cities, city)
	}
	if len(c.Cities) == 0 {
		return c, fmt.Errorf("cities.csv has no cities of province %s", province)
	}
	return c, c.readSexes(files, province)
}

// readSexes fills in the share of men in each age group.
func (c *Census) readSexes(files fs.FS, province string) error {
	rows, err := readTable(files, "province_sex_age.csv")
	if err != nil {
		return err
	}
	var people [5]map[string]float64
	for g := range people {
		people[g] = map[string]float64{}
	}
	for _, r := range rows {
		if r["code"] != province {
			continue
		}
		for g, group := range ageGroups {
			for column, share := range group.fiveYears {
				n, err := r.number(column)
				if err != nil {
					return err
				}
				people[g][r["sex"]] += share * n
			}
		}
	}
	for g := range people {
		all := people[g]["male"] + people[g]["female"]
		if all == 0 {
			return fmt.Errorf("province_sex_age.csv has no rows of province %s", province)
		}
		c.MaleShare[g] = people[g]["male"] / all
	}
	return nil
}

// row is a line of a CSV file by column name.
type row map[string]string

func (r row) number(column string) (float64, error) {
	x, err := strconv.ParseFloat(r[column], 64)
	if err != nil {
		return 0, fmt.Errorf("census row %s: column %s is %q, not a number", r["code"], column, r[column])
	}
	return x, nil
}

func readTable(files fs.FS, name string) ([]row, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, fmt.Errorf("census margins: %w", err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("census margins: %s: %w", name, err)
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("census margins: %s is empty", name)
	}
	rows := make([]row, 0, len(lines)-1)
	for _, l := range lines[1:] {
		r := row{}
		for i, h := range lines[0] {
			r[h] = l[i]
		}
		rows = append(rows, r)
	}
	return rows, nil
}
