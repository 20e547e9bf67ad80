package release

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var kills = flag.Int("kills", 8, "how often a process that makes releases is killed")

// childEnv names the folder in which a process of this test makes releases without end.
const childEnv = "SUYANG_TEST_RELEASES"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		makeWithoutEnd(dir)
	}
	os.Exit(m.Run())
}

func storeIn(dir string) *Store {
	return In(filepath.Join(dir, "releases"), KeysIn(filepath.Join(dir, "release-keys")))
}

// makeWithoutEnd makes releases and prints the number of each when it is there.
func makeWithoutEnd(dir string) {
	s := storeIn(dir)
	for {
		d := draft()
		inner := d.Contents
		d.Contents = func(ctx context.Context, a About) (Contents, error) {
			c, err := inner(ctx, a)
			for i := range 5 {
				c.Files = append(c.Files, File{fmt.Sprintf("table%d.csv", i), "", given(strings.Repeat(fmt.Sprintf("%d,%d\n", a.Number, i), 5000))})
			}
			return c, err
		}
		m, err := s.Make(context.Background(), d)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(m.Number)
	}
}

// A process is killed at any moment: every release that was announced is there, every one
// that is there is whole, and the numbers go on.
func TestKilled(t *testing.T) {
	n := *kills
	if testing.Short() {
		n = 2
	}
	dir := t.TempDir()
	s, r := storeIn(dir), rand.New(rand.NewPCG(3, 5))
	announced := 0
	for range n {
		announced = max(announced, killMaker(t, dir, 1+r.IntN(3), time.Duration(r.IntN(12_000))*time.Microsecond))
		list, err := s.List("zj-2026")
		if err != nil {
			t.Fatal(err)
		}
		numbers := map[int]bool{}
		for _, e := range list {
			numbers[e.Number] = true
			if c := check(t, s, e.Folder(s)); e.Err != nil || !c.Sound() {
				t.Errorf("release %d: %v %v", e.Number, e.Err, c.Faults)
			}
		}
		for k := 1; k <= announced; k++ {
			if !numbers[k] {
				t.Errorf("release %d was announced and is gone", k)
			}
		}
	}
	m := mustMake(t, s, draft())
	t.Logf("%d kills, %d releases, the next one is %d", n, announced, m.Number)
	if left, _ := filepath.Glob(filepath.Join(s.wave("zj-2026"), making+"*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

// killMaker kills a process that makes releases, a while after it has announced some, and
// returns the last one.
func killMaker(t *testing.T, dir string, after int, wait time.Duration) (last int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), childEnv+"="+dir), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	guard := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer guard.Stop()
	lines := 0
	for scanner := bufio.NewScanner(out); scanner.Scan(); {
		if _, err := fmt.Sscan(scanner.Text(), &last); err != nil {
			t.Fatalf("the child printed %q", scanner.Text())
		}
		if lines++; lines == after {
			time.AfterFunc(wait, func() { cmd.Process.Kill() })
		}
	}
	if cmd.Wait() == nil || lines < after {
		t.Fatalf("the child ended by itself after %d releases", lines)
	}
	return last
}

// node is a file or folder of a disk that loses what was not synced.
type node struct {
	text    []byte
	names   map[string]*node // as the program sees them; nil for a file
	durable map[string]*node
}

func folderNode() *node { return &node{names: map[string]*node{}, durable: map[string]*node{}} }

// lossy follows what a store brings to the disk, and says what a power cut may leave.
type lossy struct {
	t    *testing.T
	base string
	root *node
}

func (l *lossy) at(path string) (folder *node, name string) {
	rel, err := filepath.Rel(l.base, path)
	if err != nil {
		l.t.Fatal(err)
	}
	parts := strings.Split(filepath.ToSlash(rel), "/")
	folder = l.root
	for _, p := range parts[:len(parts)-1] {
		if folder = folder.names[p]; folder == nil {
			l.t.Fatalf("%s lies in a folder that the model does not know", path)
		}
	}
	return folder, parts[len(parts)-1]
}

// do carries an operation out on the model.
func (l *lossy) do(operation, path, to string) {
	folder, name := l.at(path)
	switch operation {
	case "mkdir":
		folder.names[name] = folderNode()
	case "write and sync", "write whole":
		text, err := os.ReadFile(path)
		if err != nil {
			l.t.Fatal(err)
		}
		folder.names[name] = &node{text: text}
		if operation == "write whole" {
			folder.durable[name] = folder.names[name]
		}
	case "sync folder":
		n := folder.names[name]
		n.durable = maps.Clone(n.names)
	case "rename":
		target, newName := l.at(to)
		target.names[newName] = folder.names[name]
		delete(folder.names, name)
	default:
		l.t.Fatalf("operation %s", operation)
	}
}

// left writes what a power cut leaves into a folder: the names as they are durable in each
// folder, or, where early is set, as they were seen last in the folder of the wave, since a
// disk may be ahead of what it was asked for.
func (l *lossy) left(n *node, dir string, early bool) {
	names := n.durable
	if early {
		names = n.names
	}
	for name, child := range names {
		path := filepath.Join(dir, name)
		var err error
		if child.names == nil {
			err = os.WriteFile(path, child.text, 0o600)
		} else if err = os.Mkdir(path, 0o700); err == nil {
			l.left(child, path, false)
		}
		if err != nil {
			l.t.Fatal(err)
		}
	}
}

// After a power cut at any step, with names that came to the disk early or late, a release
// is whole or not there, and there once Make has returned; the next one gets a number that
// no other one had.
func TestPowerCut(t *testing.T) {
	s := newStore(t)
	mustMake(t, s, draft())
	wave := s.wave("zj-2026")
	l := &lossy{t: t, base: filepath.Dir(wave), root: folderNode()}
	l.root.names["zj-2026"] = l.copyOf(wave)
	cuts, steps := 0, []string{}
	look := func(finished bool) {
		for _, early := range []bool{false, true} {
			cuts++
			l.cut(s, early, finished)
		}
	}
	s.did = func(operation, path, to string) {
		l.do(operation, path, to)
		steps = append(steps, operation)
		look(false)
	}
	mustMake(t, s, correcting(1))
	look(true)
	t.Logf("%d power cuts after %v", cuts, steps)
	if len(steps) < 8 {
		t.Errorf("only %d steps were told", len(steps))
	}
}

// copyOf is a folder that is on the disk for long.
func (l *lossy) copyOf(dir string) *node {
	n := folderNode()
	entries, err := os.ReadDir(dir)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if e.IsDir() {
			n.names[e.Name()] = l.copyOf(path)
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			l.t.Fatal(err)
		}
		n.names[e.Name()] = &node{text: text}
	}
	n.durable = maps.Clone(n.names)
	return n
}

// cut looks at what a power cut leaves now.
func (l *lossy) cut(s *Store, early, finished bool) {
	dir := filepath.Join(l.t.TempDir(), "releases")
	if err := os.MkdirAll(filepath.Join(dir, "zj-2026"), 0o700); err != nil {
		l.t.Fatal(err)
	}
	l.left(l.root.names["zj-2026"], filepath.Join(dir, "zj-2026"), early)
	after := In(dir, s.keys)
	list, err := after.List("zj-2026")
	if err != nil {
		l.t.Fatal(err)
	}
	var had []int
	for _, e := range list {
		had = append(had, e.Number)
		if c := check(l.t, after, e.Folder(after)); e.Err != nil || !c.Sound() {
			l.t.Errorf("early %v: release %d is half there: %v %v", early, e.Number, e.Err, c.Faults)
		}
	}
	if finished && !slices.Equal(had, []int{1, 2}) {
		l.t.Errorf("early %v: Make has returned, and there are releases %v", early, had)
	}
	m, err := after.Make(l.t.Context(), draft())
	if err != nil || slices.Contains(had, m.Number) || m.Number > 3 {
		l.t.Errorf("early %v: with %v there, the next one is %d: %v", early, had, m.Number, err)
	}
}

// Whoever is refused because the disk is full leaves nothing behind.
func TestDiskFull(t *testing.T) {
	s := newStore(t)
	d := draft()
	d.Contents = func(context.Context, About) (Contents, error) {
		return Contents{Files: []File{{"a.csv", "", func(io.Writer) error {
			return &fs.PathError{Op: "write", Path: "a.csv", Err: errors.New("no space left on device")}
		}}}}, nil
	}
	if _, err := s.Make(t.Context(), d); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("Make() = %v", err)
	}
	if m := mustMake(t, s, draft()); m.Number != 1 {
		t.Errorf("then the number is %d", m.Number)
	}
}
