package mp_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// catalogued are the numbers of the sections that docs/conformance.md covers.
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

var (
	conformanceRow  = regexp.MustCompile(`(?m)^\| (T\d{3}) \| (.+) \| (.+) \|$`)
	conformanceTest = regexp.MustCompile("`((?:Test|Example)[A-Za-z0-9_]*)`")
	testFunction    = regexp.MustCompile(`(?m)^func ((?:Test|Example)[A-Za-z0-9_]*)\(`)
)

// The table has a row for each number, once, and each row names tests that exist, or says why there is none.
func TestConformanceTable(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("docs", "conformance.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests := testFunctions(t)
	var numbers []string
	for _, row := range conformanceRow.FindAllStringSubmatch(string(text), -1) {
		number, cover := row[1], row[3]
		numbers = append(numbers, number)
		named := conformanceTest.FindAllStringSubmatch(cover, -1)
		if len(named) == 0 && !strings.HasPrefix(cover, "none: ") && !strings.HasPrefix(cover, "none, ") {
			t.Errorf("%s: %q names no test, and does not say why", number, cover)
		}
		for _, name := range named {
			if !tests[name[1]] {
				t.Errorf("%s: there is no %s", number, name[1])
			}
		}
	}
	if !slices.Equal(numbers, catalogued) {
		t.Errorf("the table has\n%v, not\n%v", numbers, catalogued)
	}
}

// testFunctions are the names of all tests and examples of this module.
func testFunctions(t *testing.T) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && notOurs(name):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(name)
		for _, f := range testFunction.FindAllStringSubmatch(string(text), -1) {
			names[f[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
