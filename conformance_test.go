package mp_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var updatePages = flag.Bool("update", false, "write the columns of docs that name tests, from what the tests' comments cite")

// catalogued are the numbers of behaviours, in the order of the sections of docs/conformance.md.
var catalogued = strings.Fields(`
	T030 T031 T033 T034 T035 T037 T038 T039
	T041 T042 T043 T045 T046 T047
	T049 T050
	T051 T053 T054 T055 T057
	T058 T059
	T061 T062 T063 T065 T066 T067 T069 T070
	T071 T073 T074 T075 T077 T078 T079 T081 T082 T083
	T213 T214 T215
	T217 T218 T219 T221 T222 T223 T225 T226 T227 T229 T230 T231
	T233 T234 T235 T237 T238 T239 T241 T242 T243
	T085 T086 T087 T089 T090 T091 T093
	T127 T129 T130 T131
	T133 T134 T135 T137 T138 T139 T141 T142 T143 T145 T146 T147 T149 T150
	T151 T153 T154 T155 T157 T158 T159 T161 T162 T163 T165 T166 T167 T169 T170 T171
	T173 T174 T175 T177 T178 T179
	T181 T182 T183 T185 T186 T187 T189 T190 T191
	T001 T002 T003 T005 T006 T007 T009 T010 T011 T013 T014 T015 T017 T018 T019 T021 T022 T023 T025 T026 T027 T029
	T094 T095 T097 T098 T099 T101 T102 T103 T105 T106 T107 T109 T110 T111 T113 T114 T115 T117 T118 T119 T121 T122 T123 T125 T126
	T193 T194 T195 T197 T198 T199 T201 T202 T203 T205 T206 T207 T209 T210 T211
	T245 T246 T247
	T249 T250 T251 T253 T254 T255 T257 T258 T259 T261 T262 T263
	T265 T266 T267
	T269 T270 T271 T273 T274 T275 T277 T278 T279 T281 T282 T283
	T285 T286 T287 T289 T290 T291 T293 T294 T295 T297 T298 T299 T301 T302 T303
	T305 T306 T307
	T309 T310 T311 T313 T314 T315 T317 T318 T319 T321 T322 T323 T325 T326 T327 T329
	T330 T331 T333 T334 T335 T337 T338 T339 T341 T342 T343
	T345 T346 T347 T349 T350 T351 T353 T354
`)

// A cataloguePage is a table in docs: a row for each number, with a column of tests, 0 if there is none.
type cataloguePage struct {
	file    string
	numbers []string
	tests   int
	check   func(row []string) error // what else a row has to fulfil
}

func cataloguePages(names map[string]bool) []cataloguePage {
	return []cataloguePage{
		{"conformance.md", catalogued, 3, func(row []string) error {
			if row[3] == "none" && row[4] == "" {
				return fmt.Errorf("no test cites %s, and it does not say why", row[1])
			}
			return nil
		}},
		{"weaknesses.md", catalogueNumbers("W%02d", 43), 4, func(row []string) error {
			if row[4] == "none" && !strings.Contains(row[3], "No test: ") {
				return fmt.Errorf("no test cites %s, and it does not say why", row[1])
			}
			return nil
		}},
		{"features.md", catalogueNumbers("F%03d", 231), 0, func(row []string) error { return checkAnswer(row[3], names) }},
	}
}

func catalogueNumbers(format string, n int) (numbers []string) {
	for i := range n {
		numbers = append(numbers, fmt.Sprintf(format, i+1))
	}
	return numbers
}

var (
	answerBegins = regexp.MustCompile(`^(as|differently|not): `)
	answerQuotes = regexp.MustCompile("`([^`]*)`")
	answerNames  = regexp.MustCompile(`^(mp|shared|pipe|manager|mptest|profile|progress)\.[A-Z]`)
)

// checkAnswer checks that an answer begins as it has to, and that every identifier of this module in it exists; one that says "as" names no others.
func checkAnswer(answer string, names map[string]bool) error {
	if !answerBegins.MatchString(answer) {
		return fmt.Errorf("%q does not begin with as, differently or not", answer)
	}
	found := false
	for _, q := range answerQuotes.FindAllStringSubmatch(answer, -1) {
		is := answerNames.MatchString(q[1])
		if is && !names[q[1]] {
			return fmt.Errorf("there is no %s", q[1])
		}
		if !is && strings.HasPrefix(answer, "as: ") {
			return fmt.Errorf("%s is no name of this module", q[1])
		}
		found = found || is
	}
	if !found && strings.HasPrefix(answer, "as: ") {
		return fmt.Errorf("%q names nothing", answer)
	}
	return nil
}

// Each number has one row, in its order; the tests that it names are those that cite it; and what is cited, or named, exists.
func TestConformance(t *testing.T) {
	cites, names, err := citations(".", "bench")
	if err != nil {
		t.Fatal(err)
	}
	exported, err := exportedNames(".", "shared", "pipe", "manager", "mptest", "profile", "progress")
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[string]bool)
	for _, p := range cataloguePages(exported) {
		for _, n := range p.numbers {
			known[n] = true
		}
		checkPage(t, p, cites, names)
	}
	for _, n := range slices.Sorted(maps.Keys(cites)) {
		if !known[n] {
			t.Errorf("%s, which %v cites, is no number of these pages", n, cites[n])
		}
	}
}

var namedTest = regexp.MustCompile("`([a-z/]+\\.(?:Test|Fuzz|Benchmark)[A-Za-z0-9_]*)`")

// checkPage compares a page with the citations, or writes it.
func checkPage(t *testing.T, p cataloguePage, cites map[string][]string, names map[string]bool) {
	t.Helper()
	path := filepath.Join("docs", p.file)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	var numbers []string
	for i, line := range lines {
		row := strings.Split(line, "|")
		for j := range row {
			row[j] = strings.TrimSpace(row[j])
		}
		if len(row) < 3 || !citedNumber.MatchString(row[1]) {
			continue
		}
		numbers = append(numbers, row[1])
		if p.tests > 0 {
			row[p.tests] = "none"
			if tests := cites[row[1]]; len(tests) > 0 {
				row[p.tests] = "`" + strings.Join(tests, "`, `") + "`"
			}
			lines[i] = "| " + strings.Join(row[1:len(row)-1], " | ") + " |"
		}
		if err := p.check(row); err != nil {
			t.Errorf("%s: %s: %v", p.file, row[1], err)
		}
		for _, name := range namedTest.FindAllStringSubmatch(line, -1) {
			if !names[name[1]] && !*updatePages {
				t.Errorf("%s: %s: there is no %s", p.file, row[1], name[1])
			}
		}
	}
	if !slices.Equal(numbers, p.numbers) {
		t.Errorf("%s has\n%v, not\n%v", p.file, numbers, p.numbers)
	}
	made := []byte(strings.Join(lines, "\n"))
	switch {
	case bytes.Equal(made, text):
	case *updatePages:
		if err := os.WriteFile(path, made, 0o600); err != nil {
			t.Error(err)
		}
	default:
		t.Errorf("%s is not what the tests cite: go test -run TestConformance -update .", p.file)
	}
}
