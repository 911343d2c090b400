package profile

import (
	"bytes"
	"compress/gzip"
	"testing"
)

func zipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What a worker sends as its profile may be anything, also little that unpacks to much.
func TestParseRefuses(t *testing.T) {
	for what, raw := range map[string][]byte{
		"nothing": nil, "text": []byte("profile"), "cut": zipped(t, make([]byte, 1000))[:20], "no profile": zipped(t, []byte("\x08\xff\xff")),
		"bomb": zipped(t, make([]byte, maxProfile+1)),
	} {
		if _, err := parse(raw, 0); err == nil {
			t.Errorf("%s was taken for a profile", what)
		}
	}
}
