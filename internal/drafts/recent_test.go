package drafts

import (
	"strconv"
	"testing"
)

// What is used stays, what is kept again counts once, and the rest is forgotten.
func TestGenerations(t *testing.T) {
	g := generations[int]{limit: 100}
	for range 50 {
		g.put("again", 1, 10)
	}
	if g.size != 10 {
		t.Errorf("one entry of 10 kept 50 times has size %d", g.size)
	}
	for n := range 100 {
		g.put(strconv.Itoa(n), n, 10)
		if _, ok := g.get("again"); !ok {
			t.Fatalf("what is used was forgotten after %d others", n)
		}
		if g.size > 100 || len(g.young)+len(g.old) > 20 {
			t.Fatalf("%d and %d entries, size %d, of 10 each, 10 in a generation", len(g.young), len(g.old), g.size)
		}
	}
	if _, ok := g.get("0"); ok {
		t.Error("what was not used is still there")
	}
	g.drop("again")
	if _, ok := g.get("again"); ok {
		t.Error("what was dropped is still there")
	}
}
