package office

import (
	"slices"
	"testing"
)

// An area has the lines about its people's doings and about its cases, whoever touched them,
// however the line goes on after the case; nothing of what others did elsewhere.
func TestAuditOfAnArea(t *testing.T) {
	s := staffed(t)
	for _, e := range []Entry{
		{Who: "wu", Action: "open page", Object: "/desk/audit"},
		{Who: "wu", Action: "read case", Object: wave + " c4"}, // in Ningbo; their own try
		{Who: "province", Action: "assign", Object: wave + " c3"},
		{Who: "province", Action: "read quarantined", Object: wave + " c1 · n2-7"},
		{Who: "intake", Action: "submit", Object: wave + " c2"},
		{Who: "ningbo", Action: "read case", Object: wave + " c1"},
		{Who: "ningbo", Action: "assign", Object: wave + " c4"},
		{Who: "province", Action: "dismiss quarantined", Object: wave + " c4 · 7: as " + wave + " c1"},
		{Who: "intake", Action: "submit", Object: wave + " c4"},
		{Who: "province", Action: "put account", Object: "ningbo"},
		{Who: "", Action: "sign in", Object: "unknown login"},
		{Who: "setup", Action: "x", Object: ""},
	} {
		e.At, e.Outcome = nine, Done
		must(t, s.Note(t.Context(), e))
	}
	list := func(f AuditFilter) (lines []string) {
		t.Helper()
		_, err := s.Audit(t.Context(), f, func(e Entry) { lines = append(lines, e.Who+" "+e.Object) })
		must(t, err)
		slices.Reverse(lines)
		return lines
	}
	everything := len(list(AuditFilter{}))
	for _, c := range []struct {
		name string
		f    AuditFilter
		want []string
	}{
		{"the city", AuditFilter{Area: "3301"}, []string{"wu /desk/audit", "wu zj-2026 c4", "province zj-2026 c3", "province zj-2026 c1 · n2-7", "intake zj-2026 c2", "ningbo zj-2026 c1"}},
		{"one county", AuditFilter{Area: "330102"}, []string{"province zj-2026 c3"}},
		{"the other city", AuditFilter{Area: "3302"}, []string{"wu zj-2026 c4", "ningbo zj-2026 c1", "ningbo zj-2026 c4", "province zj-2026 c4 · 7: as zj-2026 c1", "intake zj-2026 c4"}},
		{"with another filter", AuditFilter{Area: "3302", Who: "intake"}, []string{"intake zj-2026 c4"}},
		{"elsewhere", AuditFilter{Area: "44"}, nil},
	} {
		if got := list(c.f); !slices.Equal(got, c.want) {
			t.Errorf("%s sees\n%q, want\n%q", c.name, got, c.want)
		}
	}
	if all := list(AuditFilter{}); len(all) != everything || everything < 12 {
		t.Errorf("without an area %d lines are seen", len(all))
	}
}
