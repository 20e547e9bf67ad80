package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/server"
	"github.com/suyang-survey/suyang/surveys"
)

// accountCommand keeps the accounts of the desk. The first administrator comes from here;
// the others can be made at the desk.
type accountCommand struct {
	Put      accountPut      `cmd:"" help:"Make an account, or change its name, role and area; one that was disabled may sign in again."`
	Password accountPassword `cmd:"" help:"Set the password of an account: the first line of the input, or with --generate one that is made and printed once."`
	List     accountList     `cmd:"" help:"List the accounts as CSV."`
	Disable  accountDisable  `cmd:"" help:"Disable an account and end its sessions."`
}

type accountPut struct {
	stateFlags
	Login string `arg:"" help:"Name to sign in with: small letters, digits, dots and hyphens."`
	Name  string `required:"" help:"Name of the person or office."`
	Role  string `required:"" enum:"administrator,province,city,county,supervisor,enumerator,statistician,reader" help:"${enum}."`
	Area  string `help:"Code of the division that the account sees: 2 digits for a province, 4 for a city, 6 for a county; by default all."`
}

type accountPassword struct {
	stateFlags
	Login    string `arg:"" help:"Login of the account."`
	Generate bool   `help:"Make a password and print it, once."`
}

type accountList struct {
	stateFlags
}

type accountDisable struct {
	stateFlags
	Login string `arg:"" help:"Login of the account."`
}

// change opens the office database for a change of accounts.
func (f *stateFlags) change(ctx context.Context, do func(*office.Store) error) error {
	store, err := f.openOffice(ctx)
	if err != nil {
		return err
	}
	return errors.Join(do(store), store.Close())
}

// Run makes or changes the account.
func (c *accountPut) Run(ctx context.Context, con *console) error {
	a := auth.Account{Login: c.Login, Name: c.Name, Role: auth.Role(c.Role), Area: c.Area}
	return c.change(ctx, func(store *office.Store) error {
		if err := store.PutAccount(ctx, a, commandLine, time.Now()); err != nil {
			return err
		}
		con.say("account %s, %s; set its password with: suyang account password %s", a.Login, a.Role, a.Login)
		return nil
	})
}

// Run sets the password.
func (c *accountPassword) Run(ctx context.Context, con *console) error {
	password := ""
	if c.Generate {
		password = server.NewPassword()
	} else {
		if con.terminal() {
			con.say("type the new password and press Enter")
		}
		line, err := bufio.NewReader(io.LimitReader(con.in, 2*auth.MaxPassword)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		password = strings.TrimRight(line, "\r\n")
	}
	return c.change(ctx, func(store *office.Store) error {
		err := store.SetPassword(ctx, c.Login, password, commandLine, time.Now())
		switch {
		case errors.Is(err, surveys.ErrNotFound):
			return fmt.Errorf("there is no account %q; make it with: suyang account put %[1]s --name NAME --role ROLE: %w", c.Login, surveys.ErrNotFound)
		case err != nil:
			return err
		case c.Generate:
			fmt.Fprintln(con.out, password)
		}
		con.say("the password of %s is set; its sessions have ended", c.Login)
		return nil
	})
}

// Run lists the accounts.
func (c *accountList) Run(ctx context.Context, con *console) error {
	return c.change(ctx, func(store *office.Store) error {
		all, err := store.Accounts(ctx, "")
		if err != nil {
			return err
		}
		rows := [][]string{{"login", "name", "role", "area", "disabled", "created"}}
		for _, a := range all {
			rows = append(rows, []string{a.Login, a.Name, string(a.Role), a.Area, strconv.FormatBool(a.Disabled), a.Created.In(surveys.ChinaTime).Format(time.DateOnly)})
		}
		return csv.NewWriter(con.out).WriteAll(rows)
	})
}

// Run disables the account.
func (c *accountDisable) Run(ctx context.Context, con *console) error {
	return c.change(ctx, func(store *office.Store) error {
		a, err := store.Account(ctx, c.Login)
		if err != nil {
			return err
		}
		a.Disabled = true
		if err := store.PutAccount(ctx, a, commandLine, time.Now()); err != nil {
			return err
		}
		con.say("account %s is disabled; its sessions have ended", a.Login)
		return nil
	})
}
