// Package auth says who may do what, and where.
package auth

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/suyang-survey/suyang/surveys"
)

// Role is what an account is for.
type Role string

// The roles. Offices see their own area only; an enumerator sees the cases they were
// given.
const (
	Administrator Role = "administrator" // accounts and settings of the installation
	Province      Role = "province"      // everything about the surveys of the province
	City          Role = "city"          // the same for one city
	County        Role = "county"        // the same for one county
	Supervisor    Role = "supervisor"    // leads fieldwork in an area: assigns, reviews
	Enumerator    Role = "enumerator"    // interviews
	Statistician  Role = "statistician"  // draws, weighs, estimates; sees no names
	Reader        Role = "reader"        // sees tables of progress and results
)

// Roles lists the roles.
func Roles() []Role {
	return []Role{Administrator, Province, City, County, Supervisor, Enumerator, Statistician, Reader}
}

// Right is something that can be done.
type Right string

// The rights.
const (
	ManageAccounts Right = "manage-accounts"
	ReadProgress   Right = "read-progress" // counts, rates, tables
	ReadCases      Right = "read-cases"    // single cases, with their events
	AssignCases    Right = "assign-cases"
	Attempt        Right = "attempt" // attempts and interviews of the cases one was given
	Review         Right = "review"
	FinalReview    Right = "final-review"
	CloseCases     Right = "close-cases"
	Draw           Right = "draw"
	Estimate       Right = "estimate"
	ReadAudit      Right = "read-audit"
)

// Rights lists the rights.
func Rights() []Right {
	return []Right{ManageAccounts, ReadProgress, ReadCases, AssignCases, Attempt, Review, FinalReview, CloseCases, Draw, Estimate, ReadAudit}
}

var rights = map[Role][]Right{
	Administrator: {ManageAccounts, ReadAudit},
	Province:      {ReadProgress, ReadCases, AssignCases, Review, FinalReview, CloseCases, Draw, Estimate, ReadAudit},
	City:          {ReadProgress, ReadCases, AssignCases, Review, FinalReview, CloseCases},
	County:        {ReadProgress, ReadCases, AssignCases, Review, CloseCases},
	Supervisor:    {ReadProgress, ReadCases, AssignCases, Review, CloseCases},
	Enumerator:    {ReadCases, Attempt},
	Statistician:  {ReadProgress, Draw, Estimate},
	Reader:        {ReadProgress},
}

// Account is somebody who signs in.
type Account struct {
	// Login is the name typed to sign in: small letters, digits, dots and hyphens.
	Login string
	// Name is shown beside what the account does.
	Name string
	Role Role
	// Area is the code of the division whose cases the account sees, in short form, such
	// as 33, 3301 or 330106; empty means all.
	Area     string
	Disabled bool
	Created  time.Time
}

// Check says what is wrong with an account.
func (a Account) Check() error {
	fault := func(format string, args ...any) error {
		return fmt.Errorf("account %q: %w: "+format, append([]any{a.Login, surveys.ErrInvalid}, args...)...)
	}
	switch {
	case len(a.Login) < 2 || len(a.Login) > 64 || strings.Trim(a.Login, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "":
		return fault("a login has 2 to 64 small letters, digits, dots and hyphens")
	case strings.TrimSpace(a.Name) == "" || utf8.RuneCountInString(a.Name) > 60 || !utf8.ValidString(a.Name) || strings.ContainsFunc(a.Name, unicode.IsControl):
		return fault("the name has 1 to 60 characters, all in one line")
	case !slices.Contains(Roles(), a.Role):
		return fault("there is no role %q; use one of %v", a.Role, Roles())
	case strings.Trim(a.Area, "0123456789") != "" || !slices.Contains([]int{0, 2, 4, 6, 9, 12}, len(a.Area)):
		return fault("the area %q is no code of a division: 2, 4, 6, 9 or 12 digits", a.Area)
	case a.Role == City && len(a.Area) != 4, a.Role == County && len(a.Area) != 6:
		return fault("an office of a %s has the area of that %s, 4 digits for a city and 6 for a county, not %q", a.Role, a.Role, a.Area)
	}
	return nil
}

// May reports whether the account has a right at all; where it has it, see Sees.
func (a Account) May(r Right) bool {
	return !a.Disabled && slices.Contains(rights[a.Role], r)
}

// Sees reports whether a place lies in the area of the account. code is that of a
// division, of any level; one that is higher than the area does not lie in it.
func (a Account) Sees(code string) bool { return strings.HasPrefix(code, a.Area) }
