//go:build linux

// Package guide_test keeps the guide true: the code of a page is that of a file, and what a page says a program prints, it prints.
package guide_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the files' text and the programs' output into the pages")

// A block of a page is code between fences, with what the comment before it says about it:
//
//	<!-- file: crash/main.go -->    the code is this file, or, after a #, the part of it between the lines // name and // end name
//	<!-- run: faq no-main -->       it is what this program prints
//	<!-- not built: why -->         it is neither
var block = regexp.MustCompile("(?m)^(?:<!-- (file|run|not built): (.+) -->\n)?```([a-z]*)\n((?s:.*?))^```$")

// variable is what differs from run to run, and what stands in its place when two outputs are compared.
var variable = []struct {
	what *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`process \d+`), "process N"},
	{regexp.MustCompile(`[\d.]+ MiB resident`), "N MiB resident"},
	{regexp.MustCompile(`(GOMAXPROCS +)\d+`), "${1}N"},
	{regexp.MustCompile(`worker-\d: .*: too many open files`), "worker-N: too many open files"},
}

func settled(output string) string {
	for _, v := range variable {
		output = v.what.ReplaceAllString(output, v.with)
	}
	return output
}

// pages are the names and texts of all pages of the guide, and of what lies beside it.
func pages(t *testing.T) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	for _, pattern := range []string{"*.md", "../*.md", "../../README.md"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			texts[name] = string(text)
		}
	}
	if len(texts) < 10 {
		t.Fatalf("only %d pages were found", len(texts))
	}
	return texts
}

// Each block of the guide's pages is what it says it is. With -update it becomes that.
func TestGuideBlocks(t *testing.T) {
	programs := build(t)
	for name, page := range pages(t) {
		if strings.HasPrefix(name, "..") {
			continue
		}
		t.Run(strings.TrimSuffix(name, ".md"), func(t *testing.T) {
			now := block.ReplaceAllStringFunc(page, func(found string) string {
				m := block.FindStringSubmatch(found)
				kind, argument, language, code := m[1], m[2], m[3], m[4]
				want := wanted(t, programs, kind, argument, language, code)
				if settled(code) == settled(want) {
					return found
				}
				if !*update {
					t.Errorf("%s: %s is, or prints, now\n%s\nand the page has\n%s\n(go test ./docs/guide -update)", kind, argument, want, code)
				}
				return fmt.Sprintf("<!-- %s: %s -->\n```%s\n%s```", kind, argument, language, want)
			})
			if *update && now != page {
				if err := os.WriteFile(name, []byte(now), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// Each program is shown, but for the one that makes the texts of faq.md.
func TestGuideShowsAll(t *testing.T) {
	programs, err := filepath.Glob("*/main.go")
	if err != nil || len(programs) < 5 {
		t.Fatalf("%v, %v", programs, err)
	}
	var all strings.Builder
	for _, page := range pages(t) {
		all.WriteString(page)
	}
	for _, name := range programs {
		if name != "faq/main.go" && !strings.Contains(all.String(), "<!-- file: "+name+" -->") {
			t.Errorf("no page shows %s", name)
		}
	}
}

// wanted is what a block should be.
func wanted(t *testing.T, p programs, kind, argument, language, code string) string {
	t.Helper()
	switch kind {
	case "file":
		return part(t, argument)
	case "run":
		return p.run(t, argument)
	case "":
		if language == "go" || language == "python" || language == "ini" || language == "text" {
			t.Errorf("a block in %s without a comment before it that says what it is:\n%s", language, code)
		}
	}
	return code
}

// part is a file of the guide, or a part of it.
func part(t *testing.T, argument string) string {
	t.Helper()
	file, name, some := strings.Cut(argument, "#")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Error(err)
		return ""
	}
	if !some {
		return string(text)
	}
	_, rest, found := strings.Cut(string(text), "// "+name+"\n")
	inside, _, ended := strings.Cut(rest, "// end "+name+"\n")
	if !found || !ended {
		t.Errorf("%s has no part %q", file, name)
	}
	return inside
}

var (
	link    = regexp.MustCompile(`\]\(([^)#:\s]*)(?:#([a-z0-9-]+))?\)`)
	code    = regexp.MustCompile("(?ms)^ *```.*?^ *```$|(`)[^`\n]*`") // its brackets are no links
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	unlike  = regexp.MustCompile(`[^a-z0-9 -]`)
)

// anchors are the places of a page that a link can name, as GitHub makes them.
func anchors(page string) map[string]bool {
	found := make(map[string]bool)
	for _, h := range heading.FindAllStringSubmatch(page, -1) {
		found[strings.ReplaceAll(unlike.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-")] = true
	}
	return found
}

// Every link to a file or a heading of the project leads somewhere, and the index knows all pages.
func TestGuideLinks(t *testing.T) {
	texts := pages(t)
	for name := range texts {
		texts[name] = code.ReplaceAllString(texts[name], "$1")
	}
	linked := make(map[string]bool)
	for name, page := range texts {
		for _, m := range link.FindAllStringSubmatch(page, -1) {
			target := name
			if m[1] != "" {
				target = strings.TrimPrefix(filepath.Join(filepath.Dir(name), m[1]), "../../docs/guide/") // as pages names it
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", name, m[1], err)
			}
			if text, ok := texts[target]; m[2] != "" && (!ok || !anchors(text)[m[2]]) {
				t.Errorf("%s links to %s#%s: there is no such heading", name, m[1], m[2])
			}
			if name == "README.md" {
				linked[target] = true
			}
		}
	}
	for name := range texts {
		if !strings.HasPrefix(name, "..") && name != "README.md" && !linked[name] {
			t.Errorf("the index does not know %s", name)
		}
	}
}

// The parts of this test that find things find them.
func TestGuideSees(t *testing.T) {
	m := block.FindStringSubmatch("a\n<!-- run: faq twice -->\n```text\nx\ny\n```\nb\n")
	if m == nil || m[1] != "run" || m[2] != "faq twice" || m[4] != "x\ny\n" {
		t.Errorf("%q", m)
	}
	if m := block.FindStringSubmatch("a\n\n```go\nx\n```\n"); m == nil || m[1] != "" || m[3] != "go" {
		t.Errorf("%q", m)
	}
	if !anchors("## Why `x` is not, y\n")["why-x-is-not-y"] {
		t.Error("a heading is not found")
	}
}
