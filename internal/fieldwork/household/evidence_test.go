package household

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
)

// testSecret is made of the bytes 0 to 31.
func testSecret(t testing.TB) Secret {
	t.Helper()
	random := make([]byte, 32)
	for i := range random {
		random[i] = byte(i)
	}
	s, err := NewSecret(random)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// honest is a case whose selection was followed.
func honest(t testing.TB, caseID string) (Committed, Evidence) {
	t.Helper()
	l := family()
	l.Case = caseID
	n := testSecret(t).Number(caseID)
	e, err := Reveal(l, n)
	if err != nil {
		t.Fatal(err)
	}
	return Committed{Case: caseID, Method: Kish, Commitment: n.Commitment(), Interviewed: e.Selection.Line}, e
}

// The expected digests are those of a second program, in Python 3 (hashlib, hmac, struct),
// of the layout that the manual describes.
func TestDigestsOfAnotherProgram(t *testing.T) {
	s := testSecret(t)
	n := s.Number("浙-0017")
	l := Listing{Case: "浙-0017", Method: Kish, Date: Date{2026, 11, 26}, Opener: 2, Persons: []Person{
		{Line: 2, Sex: Woman, Age: AgeUnknown, Eligible: true},
		{Line: 1, Sex: Man, Age: 44, Birthday: Birthday{3, 9}, Eligible: true},
		{Line: 3, Sex: Woman, Age: 12, Birthday: Birthday{7, 1}},
	}}
	for _, c := range []struct{ what, got, want string }{
		{"seal", s.Seal().String(), "c11d482ef5923a3e99a92f4f0e8277b269a84341c1f830bfb76986580469cd2e"},
		{"number", fmt.Sprint(n.Value), "8697821859862242606"},
		{"nonce", n.Nonce.String(), "0a8c78b9bd27890a44efe2e36d03f28948cd7c8b492ebf691fe1fce2c43e55f3"},
		{"commitment", n.Commitment().String(), "08f45c9246669dc89611ca6d5e8724f6f9b4e4649e1a6894256daecc30acb915"},
		{"listing", l.Hash().String(), "5559223f9dc034d28f39f2cd23551c75e16ec70c2c537f30f640ea1c489fcf64"},
	} {
		if c.got != c.want {
			t.Errorf("%s = %s, want %s", c.what, c.got, c.want)
		}
	}
}

func TestEvidenceKeepsThroughJSON(t *testing.T) {
	c, e := honest(t, "case 17")
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var back Evidence
	if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(e, back) {
		t.Errorf("from %s: %+v, %v, want %+v", b, back, err, e)
	}
	if !strings.Contains(string(b), fmt.Sprintf(`"value":"%d"`, e.Number.Value)) {
		t.Errorf("%s: the number must be in quotes, or a browser rounds it", b)
	}
	b, err = json.Marshal(c)
	var same Committed
	if err != nil || json.Unmarshal(b, &same) != nil || same != c || !strings.Contains(string(b), `"locked":""`) {
		t.Errorf("%s: %v, want the same case, without a hash that it has not", b, err)
	}
	for _, text := range []string{"00", strings.Repeat("g", 64), strings.Repeat("0", 66)} {
		if err := new(Digest).UnmarshalText([]byte(text)); !errors.Is(err, surveys.ErrInvalid) {
			t.Errorf("digest %q: %v", text, err)
		}
	}
}

func TestVerifyFinds(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(c *Committed, e *Evidence)
		want   []Fault
	}{
		{"nothing in honest evidence", func(*Committed, *Evidence) {}, nil},
		{"nothing when the listing came before the number", func(c *Committed, e *Evidence) { c.Locked = e.Listing.Hash() }, nil},
		{"a number drawn again", func(c *Committed, e *Evidence) { e.Number.Value++ }, []Fault{NumberChanged}},
		{"another nonce", func(c *Committed, e *Evidence) { e.Number.Nonce[0]++ }, []Fault{NumberChanged}},
		{"the number of another case", func(c *Committed, e *Evidence) { e.Number.Case = "case 18" }, []Fault{OtherCase}},
		{"evidence of another case", func(c *Committed, e *Evidence) { _, *e = honest(t, "case 18") }, []Fault{OtherCase}},
		{"an age changed afterwards", func(c *Committed, e *Evidence) { e.Listing.Persons[0].Age-- }, []Fault{ListingChanged}},
		{"another opener", func(c *Committed, e *Evidence) { e.Listing.Opener = 1 }, []Fault{ListingChanged}},
		{"a person left out and the record made to fit", func(c *Committed, e *Evidence) {
			c.Locked = e.Locked
			e.Listing.Persons = slices.Delete(e.Listing.Persons, e.Selection.Line-1, e.Selection.Line)
			*e, _ = Reveal(Listing{e.Listing.Case, Kish, today, 0, e.Listing.Persons}, e.Number)
			c.Interviewed = e.Selection.Line
		}, []Fault{ListingChanged}},
		{"a listing that cannot be", func(c *Committed, e *Evidence) { e.Listing.Persons[0].Line = 2 }, []Fault{ListingChanged, ListingInvalid}},
		{"another person interviewed", func(c *Committed, e *Evidence) { c.Interviewed = c.Interviewed%4 + 1 }, []Fault{OtherPerson}},
		{"another person recorded", func(c *Committed, e *Evidence) {
			e.Selection.Line = e.Selection.Line%4 + 1
			c.Interviewed = e.Selection.Line
		}, []Fault{OtherResult, OtherPerson}},
		{"a smaller weight", func(c *Committed, e *Evidence) { e.Selection.K = 1 }, []Fault{OtherResult}},
		{"a child that became eligible", func(c *Committed, e *Evidence) {
			c.Interviewed = 0
			e.Listing.Persons[4].Eligible = true
			e.Locked = e.Listing.Hash()
		}, []Fault{OtherResult}},
		{"another method", func(c *Committed, e *Evidence) {
			e.Listing.Method = LastBirthday
			e.Locked = e.Listing.Hash()
			e.Selection, _ = Select(e.Listing, e.Number.Value)
			c.Interviewed = e.Selection.Line
		}, []Fault{MethodChanged}},
	} {
		committed, e := honest(t, "case 17")
		c.change(&committed, &e)
		var got []Fault
		for _, v := range Verify(committed, e) {
			got = append(got, v.Fault)
			if v.Case != "case 17" || v.Detail == "" || v.Fault.Words()[surveys.ZH] == "" || v.Fault.Words()[surveys.EN] == "" {
				t.Errorf("%s: violation %+v lacks words", c.name, v)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: Verify() = %v, want %v", c.name, got, c.want)
		}
	}
}

func TestRevealRefuses(t *testing.T) {
	if _, err := Reveal(family(), testSecret(t).Number("case 18")); !errors.Is(err, surveys.ErrInvalid) {
		t.Errorf("number of another case: %v", err)
	}
	if _, err := NewSecret(make([]byte, 31)); !errors.Is(err, surveys.ErrInvalid) {
		t.Errorf("a short secret: %v", err)
	}
	l := family()
	e, err := Reveal(l, testSecret(t).Number(l.Case))
	if l.Persons[0].Age = 1; err != nil || e.Listing.Persons[0].Age != 44 {
		t.Error("the evidence must not change with the listing it was made of")
	}
}

func TestReplay(t *testing.T) {
	var cases []Committed
	var evidence []Evidence
	for i := range 50 {
		c, e := honest(t, fmt.Sprintf("case %02d", i))
		cases, evidence = append(cases, c), append(evidence, e)
	}
	if got := Replay(cases, append(evidence, evidence...)); got != nil {
		t.Errorf("honest cases, each sent twice: %v", got)
	}
	cases[3].Interviewed = cases[3].Interviewed%4 + 1
	evidence[7].Number.Value++
	again := evidence[9]
	again.Listing.Persons = slices.Clone(again.Listing.Persons)[:3]
	again, err := Reveal(again.Listing, again.Number)
	if err != nil {
		t.Fatal(err)
	}
	_, stray := honest(t, "case 99")
	evidence = append(evidence, again, stray)
	evidence = slices.Delete(evidence, 20, 22) // of cases 20 and 21
	cases[21].Interviewed = 0
	cases = append(cases, cases[30])
	var got []string
	for _, v := range Replay(cases, evidence) {
		got = append(got, v.Case+" "+string(v.Fault))
	}
	want := []string{"case 03 other-person", "case 07 number-changed", "case 09 repeated",
		"case 20 no-evidence", "case 30 twice-drawn", "case 99 unknown-case"}
	if !slices.Equal(got, want) {
		t.Errorf("Replay() = %v, want %v", got, want)
	}
}

func TestAudit(t *testing.T) {
	s := testSecret(t)
	a, _ := honest(t, "a")
	b, _ := honest(t, "b")
	if got, err := Audit(s, s.Seal(), []Committed{a, b}); err != nil || got != nil {
		t.Errorf("Audit() = %v, %v, want no fault", got, err)
	}
	b.Commitment = Number{Case: "b", Value: 1}.Commitment()
	got, err := Audit(s, s.Seal(), []Committed{a, b})
	if err != nil || len(got) != 1 || got[0].Case != "b" || got[0].Fault != NotFromSecret || got[0].Fault.Words() == nil {
		t.Errorf("Audit() = %v, %v, want a fault of b", got, err)
	}
	other, err := NewSecret(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Audit(other, s.Seal(), nil); !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("another secret: %v", err)
	}
}

// FuzzVerify changes honest evidence in any way: it is accepted only when nothing that it
// says was changed.
func FuzzVerify(f *testing.F) {
	_, e := honest(f, "case 17")
	b, err := json.Marshal(e)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b, 0)
	f.Add([]byte(`{"number":{"value":"1"}}`), 0)
	f.Add([]byte(`{"listing":{"persons":[{"line":1,"sex":1,"age":44,"eligible":true}]}}`), 1)
	f.Add([]byte(`{"listing":{"opener":1},"selection":{"k":3}}`), 2)
	f.Add([]byte(`{"locked":"","listing":{"case":"","persons":null}}`), 3)
	f.Fuzz(func(t *testing.T, change []byte, interviewed int) {
		c, e := honest(t, "case 17")
		c.Locked = e.Locked
		original := e
		original.Listing.Persons = slices.Clone(e.Listing.Persons)
		if json.Unmarshal(change, &e) != nil {
			return
		}
		if interviewed != 0 {
			c.Interviewed = interviewed
		}
		slices.SortStableFunc(e.Listing.Persons, func(a, b Person) int { return a.Line - b.Line })
		unchanged := reflect.DeepEqual(e, original) && c.Interviewed == original.Selection.Line
		if got := Verify(c, e); (got == nil) != unchanged {
			t.Errorf("unchanged: %v, but Verify() = %v of %+v", unchanged, got, e)
		}
		for _, v := range Replay([]Committed{c}, []Evidence{e}) {
			if v.Fault.Words() == nil {
				t.Errorf("%+v has no words", v)
			}
		}
	})
}

// BenchmarkReplay: 10,000 cases with five persons each.
func BenchmarkReplay(b *testing.B) {
	var cases []Committed
	var evidence []Evidence
	for i := range 10_000 {
		c, e := honest(b, fmt.Sprint("case ", i))
		cases, evidence = append(cases, c), append(evidence, e)
	}
	for b.Loop() {
		if got := Replay(cases, evidence); got != nil {
			b.Fatal(got)
		}
	}
}
