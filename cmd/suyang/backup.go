package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/surveys"
)

// What a backup holds of a state folder. ClickHouse is made anew from it: the log has
// every interview, and the waves have their samples.
const (
	keyFile         = "key"
	officeFile      = "office.db"
	draftsFile      = "drafts.db"
	intakeFiles     = "intake"
	nodeFile        = "node"
	logFiles        = "log"
	tabletFiles     = "tablets"
	waveFiles       = "waves"
	listFiles       = "divisions"
	releaseFiles    = "releases"
	releaseKeyFiles = "release-keys"
	backupMarker    = "made-by-suyang-backup"
)

// backupCommand copies what cannot be made anew.
type backupCommand struct {
	stateFlags
	To string `arg:"" type:"path" help:"Folder for the backup, which is made; it holds the secrets of the installation, so keep it as safe as the state folder."`
}

// Run makes the backup while the server may be at work: the databases are copied as they are
// at one moment, and the logs last, so that they have everything that the databases know of.
func (c *backupCommand) Run(ctx context.Context, con *console) error {
	var err error
	for _, name := range []string{keyFile, waveFiles, officeFile} { // of which one is there from the first command on
		if _, err = os.Stat(filepath.Join(c.State, name)); err == nil {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("%s is no state folder (%w); give it with --state", c.State, err)
	}
	if rel, err := filepath.Rel(c.State, c.To); err == nil && filepath.IsLocal(rel) {
		return fmt.Errorf("%s lies in the state folder; a backup there would be lost with it, so give another place: %w", c.To, surveys.ErrInvalid)
	}
	if _, err := os.Lstat(c.To); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already; give a new folder, such as one named by the day: %w", c.To, surveys.ErrConflict)
	}
	part := c.To + ".part"
	if err := os.Mkdir(part, 0o700); err != nil {
		return fmt.Errorf("make the backup: %w; remove what is left of an earlier try", err)
	}
	if err := c.copyInto(ctx, part); err != nil {
		return errors.Join(fmt.Errorf("make the backup: %w", err), os.RemoveAll(part))
	}
	if err := errors.Join(os.Rename(part, c.To), syncFolder(filepath.Dir(c.To))); err != nil {
		return err
	}
	con.say("the backup is in %s; “suyang restore” makes a state folder of it", c.To)
	return nil
}

func (c *backupCommand) copyInto(ctx context.Context, to string) error {
	for _, name := range []string{keyFile, nodeFile} {
		if err := copyFile(filepath.Join(c.State, name), filepath.Join(to, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for _, name := range []string{waveFiles, listFiles, cacheFolder, releaseFiles, releaseKeyFiles} { // a release is never copied without its key
		if err := copyTree(filepath.Join(c.State, name), filepath.Join(to, name)); err != nil {
			return err
		}
	}
	if _, err := os.Stat(filepath.Join(c.State, officeFile)); err == nil {
		store, err := office.Open(ctx, filepath.Join(c.State, officeFile))
		if err != nil {
			return err
		}
		if err := errors.Join(store.Backup(ctx, filepath.Join(to, officeFile)), store.Close()); err != nil {
			return err
		}
	}
	store, err := c.openDrafts()
	if err != nil {
		return err
	}
	if err := errors.Join(store.Backup(ctx, filepath.Join(to, draftsFile)), store.Close()); err != nil {
		return err
	}
	for _, name := range []string{tabletFiles, logFiles} { // what was carried out of a journal is in the log
		if err := backUpLog(filepath.Join(c.State, name), filepath.Join(to, name)); err != nil {
			return err
		}
	}
	return waves.WriteDurably(filepath.Join(to, backupMarker), nil)
}

// restoreCommand makes a state folder of a backup.
type restoreCommand struct {
	stateFlags
	From string `arg:"" type:"existingdir" help:"The folder that “suyang backup” made."`
}

// Run copies the backup into a state folder that is not there yet, fills ClickHouse from
// it, and proves that every accepted interview is there.
func (c *restoreCommand) Run(ctx context.Context, con *console) error {
	if _, err := os.Stat(filepath.Join(c.From, backupMarker)); err != nil {
		return fmt.Errorf("%s is no whole backup: %w", c.From, err)
	}
	if entries, err := os.ReadDir(c.State); err == nil && len(entries) > 0 {
		return fmt.Errorf("the state folder %s holds something already; give a new one with --state: %w", c.State, surveys.ErrConflict)
	}
	part := c.State + ".part" // so that a restore that is broken off leaves no folder that looks whole
	err := copyTree(c.From, part)
	if err == nil {
		err = os.Remove(filepath.Join(part, backupMarker))
	}
	if err != nil {
		return fmt.Errorf("restore: %w; remove %s and try again", err, part)
	}
	if err := os.Remove(c.State); err != nil && !errors.Is(err, fs.ErrNotExist) { // an empty folder
		return err
	}
	if err := errors.Join(os.Rename(part, c.State), syncFolder(filepath.Dir(c.State))); err != nil {
		return err
	}
	if c.collects() {
		con.say("the state folder %s of a collector is restored; “suyang rebuild” with its --state and --clickhouse ships its log, before it is started", c.State)
		return nil
	}
	if err := c.putSamples(ctx); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	con.say("the state folder %s is restored; weights and reports are made anew with “suyang weigh” and “suyang report”", c.State)
	if _, err := os.Stat(c.logFolder()); errors.Is(err, fs.ErrNotExist) {
		con.say("there was no interview yet when the backup was made")
		return nil
	}
	return (&verifyCommand{stateFlags: c.stateFlags}).Run(ctx, con)
}

// putSamples stores the samples of the waves.
func (c *restoreCommand) putSamples(ctx context.Context) error {
	st, err := c.openStore(ctx)
	if err != nil {
		return err
	}
	return errors.Join(st.putSamples(ctx), st.Close())
}

// putSamples stores the samples of the waves, as they were published, where the store does not
// have them. A sample that has responses already stays as it is.
func (st *station) putSamples(ctx context.Context) error {
	list, err := st.flags.waves().All()
	if err != nil {
		return err
	}
	for _, w := range list {
		cases, err := st.flags.waves().Sample(w.ID)
		if errors.Is(err, surveys.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if err := st.store.PutSample(ctx, w.ID, cases); err != nil && !errors.Is(err, surveys.ErrConflict) {
			return err
		}
	}
	return nil
}

// backUpLog copies a log that may be in use; one that is not there is empty.
func backUpLog(from, to string) error {
	source, err := wal.Existing(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	target, err := wal.Folder(to)
	if err != nil {
		return err
	}
	return wal.Copy(source, target)
}

// copyTree copies a folder, without the locks in it and without what is being made, whose
// name begins with a dot until it is whole, and returns when the copy is on disk; a folder
// that is not there is empty. A file that goes while it is copied is an error: what
// follows it would be left out unseen.
func copyTree(from, to string) error {
	if _, err := os.Lstat(from); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		switch {
		case err != nil:
			return err
		case path != from && strings.HasPrefix(d.Name(), ".") && d.IsDir():
			return fs.SkipDir
		case path != from && strings.HasPrefix(d.Name(), "."):
			return nil
		case d.IsDir():
			return makeFolder(filepath.Join(to, rel))
		case d.Name() == "lock":
			return nil
		case !d.Type().IsRegular():
			return fmt.Errorf("%s is no plain file: %w", path, surveys.ErrInvalid)
		}
		return copyFile(path, filepath.Join(to, rel))
	})
	if err != nil {
		return err
	}
	return filepath.WalkDir(to, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = syncFolder(path)
		}
		return err
	})
}

// copyFile copies a file, and returns when the copy is on disk.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := makeFolder(filepath.Dir(to)); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}
