package chart

import (
	"bytes"
	"fmt"
	"html"
	"regexp"
	"runtime"
	"strings"
	"sync"

	"github.com/dop251/goja"
	"golang.org/x/sync/errgroup"

	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/web"
)

// Width is how wide a picture is, in pixels of 1/96 inch. Its height follows from what it
// shows.
type Width int

// The widths of pictures. The size of the letters is the same in both.
const (
	Paper Width = 640 // the text width of A4 with margins of 2 cm
	Phone Width = 320
)

// SVG draws a chart as a picture that needs nothing else: no script, no style, no font but
// one with Chinese characters. It has the alternative text of the chart as its description.
// The same chart gives the same bytes.
func (d Drawer) SVG(c *document.Chart, lang surveys.Lang, width Width) ([]byte, error) {
	option, err := d.Option(c, lang)
	if err != nil {
		return nil, err
	}
	svg, err := drawSVG(option, lang, width)
	if err != nil {
		return nil, fmt.Errorf("chart %q: %w", c.ID, err)
	}
	return plain(svg, c, lang)
}

// SVGs draws charts side by side on every core, in the order in which they are given.
func (d Drawer) SVGs(all []*document.Chart, lang surveys.Lang, width Width) ([][]byte, error) {
	out := make([][]byte, len(all))
	var g errgroup.Group
	g.SetLimit(cap(engines))
	for i, c := range all {
		g.Go(func() (err error) {
			out[i], err = d.SVG(c, lang, width)
			return err
		})
	}
	return out, g.Wait()
}

// The fonts of pictures: whichever is there first, in each language.
var fonts = map[surveys.Lang]string{
	surveys.ZH: `PingFang SC, Microsoft YaHei, Noto Sans CJK SC, Source Han Sans SC, sans-serif`,
	surveys.EN: `Helvetica Neue, Arial, Liberation Sans, Noto Sans CJK SC, sans-serif`,
}

var locales = map[surveys.Lang]string{surveys.ZH: "ZH", surveys.EN: "EN"}

// engine is a JavaScript machine in which ECharts and report.js are loaded.
type engine struct {
	vm   *goja.Runtime
	draw goja.Callable
}

// engines are those at rest: at most one for each core, made when they are first needed and
// kept, since loading ECharts takes longer than drawing several charts.
var engines = func() chan *engine {
	c := make(chan *engine, max(1, runtime.NumCPU()))
	for range cap(c) {
		c <- nil
	}
	return c
}()

// programs are ECharts and report.js, compiled once.
var programs = sync.OnceValues(func() (out []*goja.Program, err error) {
	for _, name := range []string{"static/echarts.min.js", "static/report.js"} {
		source, err := web.Report.ReadFile(name)
		if err != nil {
			return nil, err
		}
		p, err := goja.Compile(name, string(source), false)
		if err != nil {
			return nil, fmt.Errorf("compile %s: %w", name, err)
		}
		out = append(out, p)
	}
	return out, nil
})

// newEngine loads ECharts. There is nothing in the machine but the language: no page, no
// clock that runs, no chance.
func newEngine() (*engine, error) {
	loaded, err := programs()
	if err != nil {
		return nil, err
	}
	vm := goja.New()
	vm.SetRandSource(func() float64 { return 0.5 })
	nothing := func(goja.FunctionCall) goja.Value { return goja.Undefined() }
	for name, value := range map[string]any{"self": vm.GlobalObject(), "setTimeout": nothing, "clearTimeout": nothing} {
		if err := vm.Set(name, value); err != nil {
			return nil, err
		}
	}
	for _, p := range loaded {
		if _, err := vm.RunProgram(p); err != nil {
			return nil, fmt.Errorf("load ECharts: %w", err)
		}
	}
	draw, ok := goja.AssertFunction(vm.Get("suyangSVG"))
	if !ok {
		return nil, fmt.Errorf("report.js gives no suyangSVG")
	}
	return &engine{vm, draw}, nil
}

// drawSVG runs report.js in an engine at rest, and waits for one when all are at work. An
// engine in which something failed is not used again.
func drawSVG(option []byte, lang surveys.Lang, width Width) (string, error) {
	e := <-engines
	if e == nil {
		var err error
		if e, err = newEngine(); err != nil {
			engines <- nil
			return "", err
		}
	}
	svg, err := e.run(string(option), int(width), fonts[lang], locales[lang])
	if err != nil {
		e = nil
	}
	engines <- e
	return svg, err
}

func (e *engine) run(option string, width int, font, locale string) (string, error) {
	v, err := e.draw(goja.Undefined(), e.vm.ToValue(option), e.vm.ToValue(width), e.vm.ToValue(font), e.vm.ToValue(locale))
	if err != nil {
		return "", fmt.Errorf("ECharts: %w", err)
	}
	return v.String(), nil
}

var (
	// running are the names ECharts makes up, which count on from picture to picture.
	running = regexp.MustCompile(`\bzr\d+-`)
	// pointed are attributes and styles for a pointer, and unseen the shapes that only a pointer meets.
	pointed = regexp.MustCompile(` (pointer-events|class|xml:space|ecmeta_\w+)="[^"]*"|(?s)<style .*?</style>\n?`)
	unseen  = regexp.MustCompile(`<path d="[^"]*"( transform="[^"]*")? fill="none"></path>\n?|<rect [^>]*fill="none"></rect>\n?`)
	styled  = regexp.MustCompile(` style="([^"]*)"`)
)

// plain makes the SVG of ECharts fit to stand anywhere: names that no other picture in the
// page has, no style attributes, which a content policy may forbid, and the title and
// description that screen readers look for.
func plain(svg string, c *document.Chart, lang surveys.Lang) ([]byte, error) {
	open, rest, ok := strings.Cut(svg, ">")
	if !ok || !strings.HasPrefix(open, "<svg ") {
		return nil, fmt.Errorf("chart %q: ECharts drew no SVG", c.ID)
	}
	id := safeID(c.ID)
	rest = running.ReplaceAllLiteralString(rest, id+"-")
	rest = styled.ReplaceAllStringFunc(rest, attributes)
	rest = strings.ReplaceAll(rest, ` font-family="`+fonts[lang]+`"`, "")
	rest = unseen.ReplaceAllLiteralString(pointed.ReplaceAllLiteralString(rest, ""), "")
	var out bytes.Buffer
	fmt.Fprintf(&out, `%s font-family="%s" role="img" aria-labelledby="%s-title %s-desc">`, open, fonts[lang], id, id)
	fmt.Fprintf(&out, `<title id="%s-title">%s</title><desc id="%s-desc">%s</desc>`, id, html.EscapeString(printable(c.Title)), id, html.EscapeString(printable(c.Alt)))
	out.WriteString(printable(rest))
	return out.Bytes(), nil
}

// attributes turns a style attribute into attributes of the same names.
func attributes(style string) string {
	var out strings.Builder
	for _, d := range strings.Split(html.UnescapeString(styled.FindStringSubmatch(style)[1]), ";") {
		name, value, ok := strings.Cut(d, ":")
		if ok {
			fmt.Fprintf(&out, ` %s="%s"`, strings.TrimSpace(name), html.EscapeString(strings.TrimSpace(value)))
		}
	}
	return out.String()
}

// safeID is an ID with nothing in it that XML or CSS would read otherwise.
func safeID(id string) string {
	safe := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, id)
	return "c-" + safe
}

// printable leaves out what XML does not allow.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' || r == 0xfffe || r == 0xffff {
			return -1
		}
		return r
	}, text)
}
