package auth

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/surveys"
)

func TestAccounts(t *testing.T) {
	good := Account{Login: "li.na-2", Name: "李娜", Role: City, Area: "3301"}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Account){
		"no login":             func(a *Account) { a.Login = "" },
		"capital login":        func(a *Account) { a.Login = "Li" },
		"no name":              func(a *Account) { a.Name = " " },
		"unknown role":         func(a *Account) { a.Role = "boss" },
		"no code":              func(a *Account) { a.Area = "33x1" },
		"city of a province":   func(a *Account) { a.Area = "33" },
		"county without area":  func(a *Account) { a.Role, a.Area = County, "" },
		"county with the city": func(a *Account) { a.Role = County },
	} {
		a := good
		change(&a)
		if err := a.Check(); !errors.Is(err, surveys.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
	for code, sees := range map[string]bool{"3301": true, "330106": true, "330106001002": true, "33": false, "3302": false, "": false} {
		if good.Sees(code) != sees {
			t.Errorf("an account of 3301 sees %q: %v, want %v", code, !sees, sees)
		}
	}
	if all := (Account{Role: Province}); !all.Sees("330106") || !all.Sees("") {
		t.Error("an account without an area sees everything")
	}
}

// Every role has the rights that its description says, and a disabled account none.
func TestRights(t *testing.T) {
	for role, want := range map[Role]string{
		Administrator: "manage-accounts read-audit",
		Enumerator:    "read-cases attempt",
		Statistician:  "read-progress draw estimate",
		Reader:        "read-progress",
	} {
		var got []string
		for _, r := range Rights() {
			if (Account{Role: role}).May(r) {
				got = append(got, string(r))
			}
			if (Account{Role: role, Disabled: true}).May(r) {
				t.Errorf("a disabled %s may %s", role, r)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s may %v, want %s", role, got, want)
		}
	}
}

func TestPasswords(t *testing.T) {
	hash, err := Hash("correct horse 电池")
	if err != nil {
		t.Fatal(err)
	}
	again, err := Hash("correct horse 电池")
	if err != nil || again == hash {
		t.Errorf("two hashes of one password are equal (%v)", err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash %q", hash)
	}
	if !Matches(hash, "correct horse 电池") || Matches(hash, "correct horse 电泡") || Matches(hash, "") {
		t.Error("the password and no other matches")
	}
	for _, bad := range []string{"", "x", "$argon2id$v=19$m=65537,t=3,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAA", strings.Replace(hash, "t=2", "t=3", 1), strings.Replace(hash, "argon2id", "argon2i", 1), hash + "x"} {
		if Matches(bad, "correct horse 电池") {
			t.Errorf("a password matches %q", bad)
		}
	}
	for _, short := range []string{"", "123456789", strings.Repeat("x", MaxPassword+1)} {
		if _, err := Hash(short); !errors.Is(err, surveys.ErrInvalid) {
			t.Errorf("Hash(%d bytes): %v, want ErrInvalid", len(short), err)
		}
	}
}

// The first test of Argon2id in the reference implementation (phc-winner-argon2,
// src/test.c): 2 passes, 64 MiB, one lane, "password", "somesalt".
func TestReferenceHash(t *testing.T) {
	const reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if !Matches(reference, "password") {
		t.Error("the reference hash of “password” does not match")
	}
}

// What an earlier version of the program stored, with 64 MiB and three passes, still lets its
// owner in, and is known to be old.
func TestOldHash(t *testing.T) {
	const old = "$argon2id$v=19$m=65536,t=3,p=1$ipA3zVJkfxl+rKq8kIzJBQ$g+CzEiY7c8bs4RV0Rq5vJkLEd3AZ4v058FUGFRLDXZ8"
	if !Matches(old, "correct horse 电池") || Matches(old, "correct horse 电泡") {
		t.Error("a hash of an earlier version does not match its password, or another one")
	}
	now, err := Hash("correct horse 电池")
	if err != nil {
		t.Fatal(err)
	}
	for hash, want := range map[string]bool{old: true, now: false, "": false, "x": false} {
		if Outdated(hash) != want {
			t.Errorf("Outdated(%q) = %v, want %v", hash, !want, want)
		}
	}
}

// However many sign in at one moment, their hashes together take no more than maxHashMemory,
// whatever each of them costs.
func TestHashesAtOnceAreBounded(t *testing.T) {
	if !hashing.TryAcquire(maxHashMemory - hashMemory + 1) {
		t.Fatal("a hash is under way")
	}
	done := make(chan bool)
	go func() { done <- Matches("", "correct horse 电池") }()
	select {
	case <-done:
		t.Fatal("a password was hashed although there was no room for it")
	case <-time.After(20 * time.Millisecond): // a busy machine lets this pass, and never fails it
	}
	hashing.Release(maxHashMemory - hashMemory + 1)
	<-done
	if !hashing.TryAcquire(maxHashMemory) {
		t.Fatal("the room was not given back")
	}
	hashing.Release(maxHashMemory)
}

func BenchmarkMatches(b *testing.B) {
	hash, err := Hash("correct horse 电池")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if !Matches(hash, "correct horse 电池") {
			b.Fatal("the password does not match")
		}
	}
}
