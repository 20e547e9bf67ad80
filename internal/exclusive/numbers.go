package exclusive

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
)

// Numbers lists the numbers in a folder where each thing that is made has one of its own as its
// name, from 1 on, in order; none for a folder that is not there. Other names are passed over,
// also those that only look like a number, such as 01.
func Numbers(dir string) (list []int, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil && n > 0 && strconv.Itoa(n) == e.Name() {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return list, nil
}
