// Package arch holds the rules of who may import whom; its test reads the imports
// of every Go file and fails where a file breaks a rule.
package arch

// ours names the trees of the module and the trees of ours each may import, beside
// itself. The longest entry that contains a package is its rule; a package without a
// rule breaks one.
var ours = map[string][]string{
	"surveys":                      {},
	"surveys/expr":                 {},
	"surveys/geo":                  {"surveys"},
	"surveys/form":                 {"surveys", "surveys/expr", "surveys/geo"},
	"surveys/form/wire":            {"surveys", "surveys/form", "surveys/geo"},
	"surveys/score":                {"surveys"},
	"surveys/definition":           {"surveys", "surveys/expr", "surveys/form", "surveys/geo", "surveys/library/divisions"},
	"surveys/bank":                 {"surveys", "surveys/definition"},
	"surveys/workbook":             {"surveys"},
	"surveys/xlsform":              {"surveys", "surveys/expr", "surveys/workbook"},
	"surveys/library":              {"surveys", "surveys/definition", "surveys/bank"},
	"surveys/library/divisions":    {"surveys/geo"},
	"analysis":                     {},
	"analysis/weighting":           {"analysis"},
	"analysis/disclosure":          {"analysis"},
	"web":                          {},
	"internal/arch":                {},
	"internal/auth":                {"surveys"},
	"internal/sqlite":              {"surveys", "internal/intake/wal"},
	"internal/office":              {"surveys", "internal/auth", "internal/fieldwork", "internal/sqlite"},
	"internal/assess":              {"surveys", "analysis", "internal/fieldwork"},
	"internal/live":                {"surveys", "analysis", "internal/assess", "internal/fieldwork"},
	"internal/margins":             {"surveys", "internal/assess"},
	"internal/weigh":               {"surveys", "analysis", "internal/assess", "internal/fieldwork", "internal/margins"},
	"internal/release":             {"surveys", "internal/exclusive"},
	"internal/exclusive":           {"surveys"},
	"internal/making":              {"surveys", "analysis", "internal/assess", "internal/report", "internal/waves", "internal/exclusive"},
	"internal/secret":              {},
	"internal/backoff":             {},
	"internal/signing":             {"surveys", "internal/secret"},
	"internal/intake":              {"surveys", "internal/signing", "internal/backoff"},
	"internal/intake/wal":          {"surveys"},
	"internal/node":                {"surveys", "internal/intake", "internal/secret", "internal/backoff"},
	"internal/tablet":              {"surveys", "internal/signing", "internal/secret", "internal/fieldwork", "internal/intake", "internal/office"},
	"internal/drafts":              {"surveys", "internal/sqlite", "internal/secret"},
	"internal/fieldwork":           {"surveys", "analysis/sampling", "internal/fieldwork/household"},
	"internal/fieldwork/quality":   {"surveys"},
	"internal/report":              {"surveys", "analysis", "internal/assess", "internal/fieldwork", "web"},
	"internal/clickhouse":          {"surveys", "analysis", "internal/intake", "internal/fieldwork", "internal/assess", "internal/live"},
	"internal/clickhouse/engine":   {},
	"internal/clickhouse/columnar": {},
	"internal/microdata":           {"surveys", "internal/fieldwork"},
	"internal/waves":               {"surveys", "internal/assess", "internal/fieldwork", "internal/intake/wal", "internal/exclusive"},
	"internal/demo":                {"surveys", "analysis", "internal/assess", "internal/margins", "internal/fieldwork"},
	"internal/server":              {"surveys", "analysis", "internal/auth", "internal/office", "internal/intake", "internal/signing", "internal/secret", "internal/drafts", "internal/tablet", "internal/fieldwork", "internal/fieldwork/household", "internal/assess", "internal/live", "internal/report", "internal/release", "internal/making", "web"},
	"cmd":                          {"surveys", "analysis", "internal", "web"},

	"internal/fieldwork/household": {"surveys"},
}

// owners names the outside packages that only some trees may import.
var owners = map[string][]string{
	"github.com/labstack/echo":       {"internal/server"},
	"github.com/ClickHouse":          {"internal/clickhouse"},
	"github.com/ebitengine/purego":   {"internal/clickhouse/engine/libchdb"},
	"github.com/go-echarts":          {"internal/report"},
	"github.com/dop251/goja":         {"internal/report/chart"},
	"gonum.org/v1/gonum":             {"analysis"},
	"syscall/js":                     {"cmd/formwasm"},
	"net/http":                       {"internal/server", "internal/node", "internal/clickhouse/engine", "internal/clickhouse/columnar", "internal/demo", "cmd"},
	"go.yaml.in/yaml":                {"surveys/definition", "internal/assess", "internal/microdata"},
	"html/template":                  {"internal/server", "internal/report"},
	"github.com/alecthomas/kong":     {"cmd"},
	"github.com/schollz/progressbar": {"cmd"},
	"github.com/xuri/excelize":       {"internal/report/xlsx"},
	"cel.dev/cel-go":                 {},
	"pgregory.net/rapid":             {},
	"github.com/chromedp":            {},
	"github.com/google/go-cmp":       {},
	"database/sql":                   {"internal/office", "internal/drafts", "internal/sqlite"},
	"github.com/boombuler/barcode":   {"internal/server"},
	"github.com/hanwen/go-fuse":      {},
	"github.com/Shopify/toxiproxy":   {},
	"github.com/rs/zerolog":          {},
	"github.com/andybalholm/brotli":  {},
	"github.com/klauspost/compress":  {"internal/server"},
	"github.com/rivo/uniseg":         {"cmd"},
	"golang.org/x/image":             {"surveys/definition"},
	"github.com/prometheus":          {"internal/server"},
	"golang.org/x/time":              {"internal/server"},
	"golang.org/x/crypto":            {"internal/auth"},
	"crypto/hkdf":                    {"internal/secret"},
	"modernc.org/sqlite":             {"internal/sqlite"},
	"testing":                        {"internal/clickhouse/engine/enginetest"},
}

// light lists the packages that also run in a browser, and heavy what none of them
// may depend on, not even through others.
var (
	light = []string{"surveys", "surveys/expr", "surveys/form", "surveys/form/wire", "surveys/geo", "surveys/score", "internal/fieldwork/household"}
	heavy = []string{"html/template", "text/template", "net/http", "regexp", "go.yaml.in/yaml", "os/exec", "database/sql"}
)
