package web

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// echartsHash is the SHA-256 of static/echarts.min.js as `make echarts` builds it from
// the locked packages of the folder echarts. After a new build, read the sizes, try the
// report in a browser and put the new hash here.
const echartsHash = "c846fe27e6dd284707ed85c7c4415d0c930b11db176898775aa55018ce18eaec"

func TestEChartsIsTheRecordedBuild(t *testing.T) {
	b, err := Report.ReadFile("static/echarts.min.js")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	if got := hex.EncodeToString(sum[:]); got != echartsHash {
		t.Errorf("echarts.min.js has hash %s, want %s", got, echartsHash)
	}
}

// What would end an inline script, or make the parser look for a second end, must not
// stand in one.
func TestScriptsCanStandInline(t *testing.T) {
	for _, name := range []string{"static/echarts.min.js", "static/report.js"} {
		b, err := Report.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"</script", "<!--"} {
			if strings.Contains(strings.ToLower(string(b)), bad) {
				t.Errorf("%s contains %q", name, bad)
			}
		}
	}
}

// The lock file names packages by version and hash only, so that it works with any
// registry.
func TestEChartsLockNamesNoHost(t *testing.T) {
	b, err := os.ReadFile("echarts/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"resolved", "://"} {
		if strings.Contains(string(b), bad) {
			t.Errorf("package-lock.json contains %q", bad)
		}
	}
	if !strings.Contains(string(b), `"integrity"`) {
		t.Error("package-lock.json has no hashes")
	}
}
