//go:build !js

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/chromedp/chromedp"
)

// maxSize is what the compressed engine may weigh: a tablet fetches it once, over a bad
// line.
const maxSize = 12 * (1 << 20) / 10

// built is the folder of the compiled engine; empty when no test wanted it.
var built string

// build compiles the engine, once for all tests, and returns its file.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "formwasm")
	if err != nil {
		return "", err
	}
	built = dir
	file := filepath.Join(dir, "form.wasm")
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", file, ".")
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("compile the engine: %w\n%s", err, out)
	}
	return file, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		os.RemoveAll(built)
	}
	os.Exit(code)
}

func engine(t *testing.T) []byte {
	t.Helper()
	file, err := build()
	if err != nil {
		t.Fatal(err)
	}
	wasm, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

func TestSize(t *testing.T) {
	wasm := engine(t)
	var size counter
	w := brotli.NewWriterLevel(&size, brotli.BestCompression)
	if _, err := w.Write(wasm); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%.2f MiB, brotli %.3f MiB of at most 1.2", float64(len(wasm))/(1<<20), float64(size)/(1<<20))
	if size > maxSize {
		t.Errorf("the engine weighs %d bytes compressed, more than %d", size, maxSize)
	}
}

type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// need finds a program; on a build machine it must be there.
func need(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("none of %v is installed", names)
	}
	t.Skipf("none of %v is installed", names)
	return ""
}

func goroot(t *testing.T) string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(root))
}

// The scripts of the engine, the walks of its tests and a selection in a household give the
// same in WebAssembly.
func TestScriptsInWebAssembly(t *testing.T) {
	need(t, "node")
	runner := filepath.Join(goroot(t), "lib", "wasm", "go_js_wasm_exec")
	cmd := exec.Command("go", "test", "-count=1", "-v", "-exec", runner, "-run", "Scripts|Replay|NormalForm|Interview|BadMessages|Call|DigestsOfAnotherProgram",
		"../../surveys/form", "../../surveys/form/wire", "../../internal/fieldwork/household")
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"TestReplay", "TestCall", "TestDigestsOfAnotherProgram"} {
		if !strings.Contains(string(out), "--- PASS: "+name+" ") {
			t.Errorf("%s did not run in WebAssembly", name)
		}
	}
	scripts, err := filepath.Glob("../../surveys/form/testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(out), "--- PASS: TestScripts/"); n < len(scripts) || n == 0 {
		t.Errorf("%d of %d scripts ran:\n%s", n, len(scripts), out)
	} else {
		t.Logf("%d scripts pass in WebAssembly", n)
	}
}

// page loads the engine and says when it is ready.
const page = `<!doctype html><html lang="zh"><title>engine</title><script src="wasm_exec.js"></script><script>
const go = new Go();
WebAssembly.instantiateStreaming(fetch("form.wasm"), go.importObject).then(r => { go.run(r.instance); document.title = "ready" });
</script>`

// A browser conducts an interview.
func TestInBrowser(t *testing.T) {
	chromium := need(t, "chromium", "chromium-browser", "google-chrome")
	wasm := engine(t)
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(page))
	})
	mux.HandleFunc("/form.wasm", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/wasm")
		_, _ = w.Write(wasm)
	})
	glue := filepath.Join(goroot(t), "lib", "wasm", "wasm_exec.js")
	mux.HandleFunc("/wasm_exec.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, glue) })
	site := httptest.NewServer(mux)
	defer site.Close()

	alloc, stop := chromedp.NewExecAllocator(context.Background(),
		append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.DisableGPU)...)
	defer stop()
	ctx, cancel := chromedp.NewContext(alloc)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()

	form, err := os.ReadFile("../../surveys/form/testdata/forms/person.json")
	if err != nil {
		t.Fatal(err)
	}
	messages := []string{
		`{"do":"compile","questionnaire":` + string(form) + `}`,
		`{"do":"start","lang":"zh"}`,
		`{"do":"submit","values":{"age":["17"]},"took":10}`,
		`{"do":"next"}`,
		`{"do":"state"}`,
	}
	if err := chromedp.Run(ctx, chromedp.Navigate(site.URL), chromedp.Poll(`document.title === "ready"`, nil)); err != nil {
		t.Fatal(err)
	}
	var last string
	for _, m := range messages {
		quoted, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if err := chromedp.Run(ctx, chromedp.Evaluate("suyangForm("+string(quoted)+")", &last)); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(last, `"error"`) {
			t.Fatalf("%.60s: %s", m, last)
		}
	}
	if !strings.Contains(last, `"page"`) || !strings.Contains(last, `"progress"`) {
		t.Errorf("the state is %s", last)
	}
}
