package xlsform

import (
	"strings"
	"testing"
)

// Codes and IDs of names that none can be made of are numbered, and a list of ten
// thousand of them takes no longer than any other.
func TestManyNamesAlike(t *testing.T) {
	codes, ids := taken{}, taken{}
	seen := map[string]bool{}
	for n := range 10_000 {
		code := codes.free("___", 64, strings.Clone)
		if n == 1 && code != "____2" || seen[code] {
			t.Fatalf("code %d is %q", n, code)
		}
		seen[code] = true
	}
	if a, b := ids.free("Age", 64, strings.ToLower), ids.free("age", 64, strings.ToLower); a != "Age" || b != "age_2" {
		t.Errorf("IDs %q and %q, want Age and age_2", a, b)
	}
	if a, b := codes.free("A", 64, strings.Clone), codes.free("a", 64, strings.Clone); a != "A" || b != "a" {
		t.Errorf("codes %q and %q, want A and a", a, b)
	}
	long := strings.Repeat("x", 64)
	if ids.free(long, 64, strings.ToLower) != long || len(ids.free(long, 64, strings.ToLower)) != 64 {
		t.Error("a long name is not cut to make room for its number")
	}
}
