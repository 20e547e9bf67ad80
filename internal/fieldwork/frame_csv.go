package fieldwork

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
)

// FrameFromCSV reads a frame whose rows are villages: the columns code, and as far as
// they are there name, class, households, adults and size; every other column is kept
// under its name. Faults name the row and the column. progress, which may be nil, is told
// how many bytes are done.
func FrameFromCSV(name, vintage string, src []byte, progress func(done, total int)) (*Frame, error) {
	sum := sha256.Sum256(src)
	f := &Frame{Hash: hex.EncodeToString(sum[:]), Vintage: vintage}
	cr := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(src, []byte("\ufeff"))))
	cr.ReuseRecord = true
	head, err := frameHead(name, cr)
	if err != nil {
		return nil, err
	}
	if err := f.rows(name, cr, head, func() {
		if progress != nil {
			progress(int(cr.InputOffset()), len(src))
		}
	}); err != nil {
		return nil, err
	}
	if len(f.Units) == 0 {
		return nil, fmt.Errorf("%s: the frame has no units: %w", name, surveys.ErrInvalid)
	}
	return f, nil
}

// frameHead reads the names of the columns.
func frameHead(name string, cr *csv.Reader) ([]string, error) {
	first, err := cr.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: cannot read the header of the frame: %w: %w", name, err, surveys.ErrInvalid)
	}
	head := slices.Clone(first)
	if !slices.Contains(head, "code") {
		return nil, fmt.Errorf("%s:1: the column code is needed; found %s: %w", name, strings.Join(head, ", "), surveys.ErrInvalid)
	}
	for i, h := range head {
		if slices.Contains(head[:i], h) {
			return nil, fmt.Errorf("%s:1: column %q stands there twice: %w", name, h, surveys.ErrInvalid)
		}
	}
	return head, nil
}

// rows reads the units, and tells now and then that it goes on.
func (f *Frame) rows(name string, cr *csv.Reader, head []string, goesOn func()) error {
	var faults []error
	seen := map[string]int{}
	for len(faults) < maxFaults {
		rec, err := cr.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%s: %w: %w", name, err, surveys.ErrInvalid)
		}
		line, _ := cr.FieldPos(0)
		u, err := frameUnit(head, rec, line)
		if at := seen[u.Code]; err == nil && at > 0 {
			err = fmt.Errorf("code: %s stands in row %d already", u.Code, at)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: row %d, column %w: %w", name, line, err, surveys.ErrInvalid))
			continue
		}
		seen[u.Code] = line
		if f.Units = append(f.Units, u); len(f.Units)%10_000 == 0 {
			goesOn()
		}
	}
	return errors.Join(faults...)
}

// frameUnit reads one row. An error begins with the name of the column.
func frameUnit(head, rec []string, line int) (FrameUnit, error) {
	u := FrameUnit{Row: line}
	for i, h := range head {
		text := strings.Clone(rec[i])
		if err := checkText(text); err != nil {
			return u, fmt.Errorf("%s: %w", h, err)
		}
		var err error
		switch h {
		case "code":
			u.Code = text
			if len(text) != 12 || strings.Trim(text, "0123456789") != "" {
				err = fmt.Errorf("%q is not a code of 12 digits", text)
			}
		case "name":
			u.Name = text
		case "class":
			u.Class = text
		case "households":
			u.Households, err = count(text)
		case "adults":
			u.Adults, err = count(text)
		case "size":
			u.Size, err = measureOf(text)
		default:
			if u.Columns == nil {
				u.Columns = make(map[string]string, len(head))
			}
			u.Columns[h] = text
		}
		if err != nil {
			return u, fmt.Errorf("%s: %w", h, err)
		}
	}
	return u, nil
}

// maxCount is the most people or households of a village that are believed.
const maxCount = 10_000_000

func count(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > maxCount {
		return 0, fmt.Errorf("%q is not a whole number from 0 to %d", text, maxCount)
	}
	return n, nil
}

// measureOf reads a measure of size.
func measureOf(text string) (float64, error) {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || !(x >= 0) || math.IsInf(x, 0) || x > 1e12 {
		return 0, fmt.Errorf("%q is not a number from 0 to 1e12", text)
	}
	return x, nil
}
