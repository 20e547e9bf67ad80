package arch

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/suyang-survey/suyang"

// within reports whether pkg is tree or lies below it.
func within(pkg, tree string) bool {
	return pkg == tree || strings.HasPrefix(pkg, tree+"/")
}

// rule returns the longest tree of the table that contains pkg.
func rule(pkg string) (string, bool) {
	for p := pkg; p != "."; p = path.Dir(p) {
		if _, ok := ours[p]; ok {
			return p, true
		}
	}
	return "", false
}

// complaint says what is wrong with pkg importing imp, or nothing.
func complaint(pkg, imp string) string {
	tree, ok := rule(pkg)
	if !ok {
		return "package " + pkg + " has no rule; add it to the table"
	}
	if in, ok := strings.CutPrefix(imp, module+"/"); ok {
		if within(in, tree) || slices.ContainsFunc(ours[tree], func(t string) bool { return within(in, t) }) {
			return ""
		}
		return pkg + " may not import " + in
	}
	for owned, trees := range owners {
		if within(imp, owned) && !slices.ContainsFunc(trees, func(t string) bool { return within(pkg, t) }) {
			return pkg + " may not import " + imp
		}
	}
	return ""
}

func TestComplaint(t *testing.T) {
	for _, c := range []struct {
		name, pkg, imp string
		bad            bool
	}{
		{"kernel to kernel", "analysis", module + "/surveys", true},
		{"kernel to its own part", "surveys/form", module + "/surveys/expr", false},
		{"store to server", "internal/clickhouse", module + "/internal/server", true},
		{"echo outside the server", "internal/intake", "github.com/labstack/echo/v4", true},
		{"echo in the server", "internal/server", "github.com/labstack/echo/v4", false},
		{"standard library", "surveys", "strings", false},
		{"package without a rule", "internal/util", "strings", true},
	} {
		if got := complaint(c.pkg, c.imp); (got != "") != c.bad {
			t.Errorf("%s: complaint = %q, want bad = %v", c.name, got, c.bad)
		}
	}
}

// imports reads the imports of every Go file of the module that is not a test, by
// package. It reads the files itself, since a result of the go command would be
// cached by the test runner and miss changes.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	root := filepath.Join("..", "..")
	all := map[string][]string{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || d.Name() == ".git") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(p))
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg := filepath.ToSlash(rel)
		for _, im := range f.Imports {
			imp, err := strconv.Unquote(im.Path.Value)
			if err != nil {
				return err
			}
			all[pkg] = append(all[pkg], imp)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 10 {
		t.Fatalf("found imports in %d packages, so the walk did not see the tree", len(all))
	}
	return all
}

func TestImports(t *testing.T) {
	for pkg, imps := range imports(t) {
		for _, imp := range imps {
			if c := complaint(pkg, imp); c != "" {
				t.Error(c)
			}
		}
	}
}

// The form engine also runs in a browser, where every heavy package costs seconds.
func TestLightPackages(t *testing.T) {
	all := imports(t)
	var walk func(pkg string, path []string)
	walk = func(pkg string, path []string) {
		path = append(path, pkg)
		for _, imp := range all[pkg] {
			if in, ok := strings.CutPrefix(imp, module+"/"); ok {
				walk(in, path)
				continue
			}
			if slices.ContainsFunc(heavy, func(h string) bool { return within(imp, h) }) || strings.Contains(strings.Split(imp, "/")[0], ".") {
				t.Errorf("%s imports %s; it must stay light", strings.Join(path, " → "), imp)
			}
		}
	}
	for _, pkg := range light {
		walk(pkg, nil)
	}
}
