package ring

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A name that stands at one place only orders nothing.
func TestSyncPointsHavePartners(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	point := regexp.MustCompile(`SYNC POINT ([a-z ]+): pairs`)
	count := map[string]int{}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range point.FindAllStringSubmatch(string(text), -1) {
			count[m[1]]++
		}
	}
	if len(count) < 5 {
		t.Fatalf("found only %v", count)
	}
	for name, n := range count {
		if n != 2 {
			t.Errorf("SYNC POINT %q stands at %d places, want a store and a load", name, n)
		}
	}
}
