//go:build linux

package guide_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each text of docs/pictures is drawn, as it is now, and is shown on a page. What draws is a module of its own, so this looks at the
// drawing's comment, which has the text's hash.
func TestGuidePictures(t *testing.T) {
	const dir = "../pictures/"
	texts, err := filepath.Glob(dir + "*.txt")
	if err != nil || len(texts) < 3 {
		t.Fatalf("%v, %v", texts, err)
	}
	page, err := os.ReadFile("../how-it-works.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range texts {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		base := strings.TrimSuffix(filepath.Base(name), ".txt") + ".svg"
		svg, err := os.ReadFile(dir + base)
		if err != nil {
			t.Error(err)
			continue
		}
		if !bytes.Contains(svg, fmt.Appendf(nil, "sha256 %x", sha256.Sum256(text))) {
			t.Errorf("%s was drawn from another text: go generate in docs/pictures", base)
		}
		if err := picture(svg); err != nil {
			t.Errorf("%s: %v", base, err)
		}
		if !bytes.Contains(page, []byte("](pictures/"+base+")")) {
			t.Errorf("how-it-works.md does not show %s", base)
		}
	}
}

// picture says what is wrong with an SVG: it is not well-formed, or shows nothing.
func picture(svg []byte) error {
	seen := make(map[string]int)
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if e, ok := token.(xml.StartElement); ok {
			seen[e.Name.Local]++
		}
	}
	if seen["svg"] != 1 || seen["path"] == 0 || seen["text"] == 0 {
		return fmt.Errorf("it has %v", seen)
	}
	return nil
}

// What is no picture is refused.
func TestGuidePicturesThatAreRefused(t *testing.T) {
	for _, svg := range []string{"<svg><path/><text>a</svg>", "<svg></svg>", ""} {
		if picture([]byte(svg)) == nil {
			t.Errorf("%q passes", svg)
		}
	}
}
