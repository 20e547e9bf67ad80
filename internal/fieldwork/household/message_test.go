package household

import (
	"encoding/json"
	"strings"
	"testing"
)

// A selection by message is the one that Reveal makes, and only with the committed number.
func TestCall(t *testing.T) {
	c, want := honest(t, "case 17")
	ask := func(change func(m map[string]any)) (r reply) {
		t.Helper()
		m := map[string]any{"do": "select", "listing": want.Listing, "number": want.Number, "commitment": c.Commitment}
		change(m)
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(Call(b), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := ask(func(map[string]any) {})
	if !r.OK || r.Evidence == nil || !r.Evidence.same(want) {
		t.Fatalf("select: %+v, want %+v", r, want)
	}
	if faults := Verify(c, *r.Evidence); len(faults) > 0 {
		t.Errorf("the evidence does not verify: %v", faults)
	}
	if r := ask(func(m map[string]any) { m["do"] = "check" }); !r.OK {
		t.Errorf("check: %+v", r)
	}
	other := testSecret(t).Number("case 17")
	other.Value++
	strange := want.Listing
	strange.Opener = 99
	for name, bad := range map[string]struct {
		change func(m map[string]any)
		want   string
	}{
		"another number":  {func(m map[string]any) { m["number"] = other }, "committed at the draw"},
		"no commitment":   {func(m map[string]any) { delete(m, "commitment") }, "committed at the draw"},
		"another case":    {func(m map[string]any) { m["number"] = testSecret(t).Number("case 18") }, "committed at the draw"},
		"a bad listing":   {func(m map[string]any) { m["listing"] = strange }, "not listed"},
		"a bad check":     {func(m map[string]any) { m["do"], m["listing"] = "check", strange }, "not listed"},
		"nothing to do":   {func(m map[string]any) { m["do"] = "fly" }, "send check or select"},
		"a bad message":   {func(m map[string]any) { m["listing"] = "x" }, "no JSON"},
		"a bad commitent": {func(m map[string]any) { m["commitment"] = "x" }, "64 hexadecimal digits"},
	} {
		if r := ask(bad.change); r.OK || r.Evidence != nil || !strings.Contains(r.Error, bad.want) {
			t.Errorf("%s: %+v, want %q", name, r, bad.want)
		}
	}
}
