package household

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/suyang-survey/suyang/surveys"
)

// A Digest is 32 bytes, written in hexadecimal digits; the zero value is none.
type Digest [sha256.Size]byte

// String gives 64 hexadecimal digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText writes the hexadecimal digits, and none for the zero value.
func (d Digest) MarshalText() ([]byte, error) {
	if d == (Digest{}) {
		return nil, nil
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads what MarshalText wrote; anything else wraps surveys.ErrInvalid.
func (d *Digest) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Digest{}
		return nil
	}
	b, err := hex.DecodeString(string(text))
	if err != nil || len(b) != len(d) {
		return fmt.Errorf("%.70q is not 64 hexadecimal digits: %w", text, surveys.ErrInvalid)
	}
	*d = Digest(b)
	return nil
}

// A message is what is hashed: a purpose and fields, each with its length or in eight
// bytes, so that no two messages have the same bytes.
type message []byte

func newMessage(purpose string) message { return message(nil).text("suyang/household/1/" + purpose) }

func (m message) text(s string) message {
	return append(m.number(uint64(len(s))), s...)
}

func (m message) number(n uint64) message { return binary.BigEndian.AppendUint64(m, n) }

func (m message) int(n int) message { return m.number(uint64(int64(n))) }

func (m message) digest() Digest { return sha256.Sum256(m) }

// Hash is the SHA-256 of everything in a listing, persons in the order of their lines.
func (l Listing) Hash() Digest {
	m := newMessage("listing").text(l.Case).int(int(l.Method)).
		int(l.Date.Year).int(l.Date.Month).int(l.Date.Day).int(l.Opener).int(len(l.Persons))
	persons := slices.Clone(l.Persons)
	slices.SortStableFunc(persons, func(a, b Person) int { return cmp.Compare(a.Line, b.Line) })
	for _, p := range persons {
		eligible := 0
		if p.Eligible {
			eligible = 1
		}
		m = m.int(p.Line).int(int(p.Sex)).int(p.Age).int(p.Birthday.Month).int(p.Birthday.Day).int(eligible)
	}
	return m.digest()
}

// A Secret is what the numbers of a draw are made of. It stays in the office until the
// fieldwork is over; the seed of the draw itself is public and does not serve.
type Secret struct{ key Digest }

// minSecret is the least number of bytes of a secret.
const minSecret = 32

// NewSecret takes 32 or more random bytes; fewer are an error that wraps
// surveys.ErrInvalid.
func NewSecret(random []byte) (Secret, error) {
	if len(random) < minSecret {
		return Secret{}, fmt.Errorf("the secret of a draw has %d bytes; take %d random ones, or who knows a case could try them all: %w", len(random), minSecret, surveys.ErrInvalid)
	}
	return Secret{newMessage("secret").text(string(random)).digest()}, nil
}

// Seal is a hash of the secret to publish at the draw: when the secret is opened in the
// end, Audit shows that all numbers came from it.
func (s Secret) Seal() Digest { return newMessage("seal").text(string(s.key[:])).digest() }

// derive is HMAC-SHA-256 of the secret, with a purpose and the case.
func (s Secret) derive(purpose, caseID string) Digest {
	h := hmac.New(sha256.New, s.key[:])
	h.Write(newMessage(purpose).text(caseID))
	return Digest(h.Sum(nil))
}

// Number derives the number of a case, the same at every call.
func (s Secret) Number(caseID string) Number {
	d := s.derive("number", caseID)
	return Number{Case: caseID, Value: binary.BigEndian.Uint64(d[:]), Nonce: s.derive("nonce", caseID)}
}

// A Number is the random number of a case. It is shown to nobody before the listing is
// complete. Its nonce keeps the number from being guessed from the commitment.
type Number struct {
	Case  string `json:"case"`
	Value uint64 `json:"value,string"` // in quotes, because browsers round large numbers
	Nonce Digest `json:"nonce"`
}

// Commitment is the SHA-256 of number, nonce and case: published at the draw, it binds the
// office and the enumerator to the number without telling it.
func (n Number) Commitment() Digest {
	return newMessage("commitment").number(n.Value).text(string(n.Nonce[:])).text(n.Case).digest()
}

// Evidence is what a selection leaves: who was listed, the number, and what came of it.
type Evidence struct {
	Listing Listing `json:"listing"`
	// Locked is the hash of the listing when the number was revealed.
	Locked    Digest    `json:"locked"`
	Number    Number    `json:"number"`
	Selection Selection `json:"selection"`
}

// Reveal selects the person of a complete listing. The listing is locked before the number
// is used: whoever changes it later is found. Errors wrap surveys.ErrInvalid.
func Reveal(l Listing, n Number) (Evidence, error) {
	if n.Case != l.Case {
		return Evidence{}, fmt.Errorf("the number is of case %q, the listing of case %q; fetch the case again: %w", n.Case, l.Case, surveys.ErrInvalid)
	}
	l.Persons = slices.Clone(l.Persons)
	s, err := Select(l, n.Value)
	return Evidence{Listing: l, Locked: l.Hash(), Number: n, Selection: s}, err
}

// Committed is what the office knows of a case without the tablet's evidence.
type Committed struct {
	Case       string `json:"case"`
	Method     Method `json:"method"`
	Commitment Digest `json:"commitment"`
	// Locked is the hash of the listing that the tablet sent to ask for the number; none
	// when the tablet was offline and had the number with it.
	Locked Digest `json:"locked"`
	// Interviewed is the line of the person who was interviewed, 0 when nobody was, and
	// SomebodyElse when the interview tells of another person than the selected one.
	Interviewed int `json:"interviewed"`
}

// SomebodyElse stands for a person who is not the selected one.
const SomebodyElse = -1

// ageSlack is how far the age that a person gives may be from the listed one: a birthday
// lies in between, and some count the years in the traditional way.
const ageSlack = 2

// Differs says in what a person as interviewed is not the listed one: "sex", "age" or both.
// What either does not know is no difference.
func (p Person) Differs(sex Sex, age int) (in []string) {
	known := func(s Sex) bool { return s == Man || s == Woman }
	if known(p.Sex) && known(sex) && p.Sex != sex {
		in = append(in, "sex")
	}
	if p.Age != AgeUnknown && age != AgeUnknown && max(p.Age-age, age-p.Age) > ageSlack {
		in = append(in, "age")
	}
	return in
}

// A Fault names what is wrong with a selection.
type Fault string

// The faults.
const (
	NumberChanged  Fault = "number-changed"  // drawn again: the number is not the committed one
	ListingChanged Fault = "listing-changed" // after the number was revealed
	ListingInvalid Fault = "listing-invalid"
	MethodChanged  Fault = "method-changed"
	OtherPerson    Fault = "other-person" // not the one that listing and number select
	OtherResult    Fault = "other-result" // k, the line or what decided is recorded wrongly
	OtherCase      Fault = "other-case"   // the evidence is of another case
	Repeated       Fault = "repeated"     // selected more than once, with different listings or numbers
	NoEvidence     Fault = "no-evidence"  // somebody was interviewed
	UnknownCase    Fault = "unknown-case" // evidence of a case that was not drawn
	TwiceDrawn     Fault = "twice-drawn"  // a case stands twice among those drawn
	NotFromSecret  Fault = "not-from-secret"
)

// faultWords are what a fault means, for people.
var faultWords = map[Fault]surveys.Text{
	NumberChanged:  {surveys.ZH: "随机数与抽样时的承诺不符（重抽）", surveys.EN: "The number is not the one committed at the draw"},
	ListingChanged: {surveys.ZH: "户内登记在揭示随机数后被改动", surveys.EN: "The listing was changed after the number was revealed"},
	ListingInvalid: {surveys.ZH: "户内登记无效", surveys.EN: "The listing cannot be used"},
	MethodChanged:  {surveys.ZH: "选人方法与抽样时规定的不同", surveys.EN: "The method is not the one of the draw"},
	OtherPerson:    {surveys.ZH: "受访者不是被选中的人", surveys.EN: "Not the selected person was interviewed"},
	OtherResult:    {surveys.ZH: "记录的选人结果与重算不符", surveys.EN: "The recorded selection is not what listing and number give"},
	OtherCase:      {surveys.ZH: "证据属于另一个样本", surveys.EN: "The evidence is of another case"},
	Repeated:       {surveys.ZH: "同一样本多次选人，内容不同", surveys.EN: "The selection was made more than once, differently"},
	NoEvidence:     {surveys.ZH: "已访问，但没有选人证据", surveys.EN: "Somebody was interviewed without evidence of a selection"},
	UnknownCase:    {surveys.ZH: "证据所属样本不在抽样中", surveys.EN: "The evidence is of a case that was not drawn"},
	TwiceDrawn:     {surveys.ZH: "样本在抽样清单中重复", surveys.EN: "The case stands twice among those drawn"},
	NotFromSecret:  {surveys.ZH: "承诺不是由公开的抽样密钥导出", surveys.EN: "The commitment does not come from the secret of the draw"},
}

// Words say what the fault means.
func (f Fault) Words() surveys.Text { return faultWords[f] }

// A Violation is a fault of a case.
type Violation struct {
	Case   string `json:"case"`
	Fault  Fault  `json:"fault"`
	Detail string `json:"detail"`
}

// Verify proves the evidence of a case: that its number opens the commitment, that the
// listing is as it was locked, and that both give the selection and the person who was
// interviewed. It returns every fault, none when the proof holds.
func Verify(c Committed, e Evidence) []Violation {
	var found []Violation
	report := func(fault Fault, format string, args ...any) {
		found = append(found, Violation{c.Case, fault, fmt.Sprintf(format, args...)})
	}
	l := e.Listing
	if l.Case != c.Case || e.Number.Case != c.Case {
		report(OtherCase, "the listing is of case %q, the number of case %q", l.Case, e.Number.Case)
		return found
	}
	if got := e.Number.Commitment(); got != c.Commitment {
		report(NumberChanged, "number and nonce give the commitment %v, the draw has %v", got, c.Commitment)
	}
	if l.Method != c.Method {
		report(MethodChanged, "the listing has method %d, the draw %d", l.Method, c.Method)
	}
	hash := l.Hash()
	if hash != e.Locked {
		report(ListingChanged, "the listing has the hash %v, it was locked with %v", hash, e.Locked)
	} else if c.Locked != (Digest{}) && hash != c.Locked {
		report(ListingChanged, "the listing has the hash %v, the number was asked for with %v", hash, c.Locked)
	}
	s, err := Select(l, e.Number.Value)
	if err != nil {
		report(ListingInvalid, "%v", err)
		return found
	}
	if s != e.Selection {
		report(OtherResult, "line %d of %d is recorded, listing and number give line %d of %d", e.Selection.Line, e.Selection.K, s.Line, s.K)
	}
	switch {
	case c.Interviewed == SomebodyElse:
		report(OtherPerson, "who was interviewed is not as line %d was listed, which is selected", s.Line)
	case c.Interviewed != 0 && c.Interviewed != s.Line:
		report(OtherPerson, "line %d was interviewed, line %d is selected", c.Interviewed, s.Line)
	}
	return found
}

// same says whether two pieces of evidence are copies.
func (e Evidence) same(f Evidence) bool {
	return e.Listing.Hash() == f.Listing.Hash() && e.Locked == f.Locked && e.Number == f.Number && e.Selection == f.Selection
}

// Replay verifies all cases against all evidence, in the order in which it came, and
// lists every violation, by case. Copies of the same evidence count once; of different
// ones the first is verified, and that there are more is a fault itself.
func Replay(cases []Committed, evidence []Evidence) []Violation {
	of := make(map[string][]Evidence, len(cases))
	for _, e := range evidence {
		if !slices.ContainsFunc(of[e.Listing.Case], e.same) {
			of[e.Listing.Case] = append(of[e.Listing.Case], e)
		}
	}
	var found []Violation
	drawn := make(map[string]bool, len(cases))
	for _, c := range cases {
		es := of[c.Case]
		switch {
		case drawn[c.Case]:
			found = append(found, Violation{c.Case, TwiceDrawn, "list each case once"})
			continue
		case len(es) > 0:
			found = append(found, Verify(c, es[0])...)
		case c.Interviewed != 0:
			found = append(found, Violation{c.Case, NoEvidence, "somebody was interviewed"})
		}
		if len(es) > 1 {
			found = append(found, Violation{c.Case, Repeated, fmt.Sprintf("there are %d different selections", len(es))})
		}
		drawn[c.Case] = true
	}
	for id, es := range of {
		if !drawn[id] {
			found = append(found, Violation{id, UnknownCase, fmt.Sprintf("there are %d selections", len(es))})
		}
	}
	slices.SortStableFunc(found, func(a, b Violation) int { return cmp.Compare(a.Case, b.Case) })
	return found
}

// Audit shows, when the secret is opened after the fieldwork, that the commitments of all
// cases came from it. A secret that does not fit the published seal is an error that
// wraps surveys.ErrConflict.
func Audit(s Secret, seal Digest, cases []Committed) ([]Violation, error) {
	if s.Seal() != seal {
		return nil, errors.Join(fmt.Errorf("this secret has the seal %v, but %v was published at the draw; find the secret of that draw", s.Seal(), seal), surveys.ErrConflict)
	}
	var found []Violation
	for _, c := range cases {
		if want := s.Number(c.Case).Commitment(); want != c.Commitment {
			found = append(found, Violation{c.Case, NotFromSecret, fmt.Sprintf("the secret gives %v, the case has %v", want, c.Commitment)})
		}
	}
	return found, nil
}
