package lint

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
)

// file is one parsed Go file of the module.
type file struct {
	path   string // relative to the module's root, with slashes
	source []byte
	fset   *token.FileSet
	syntax *ast.File
}

// parse returns the file, or an error if it is not Go.
func parse(name string, source []byte) (*file, error) {
	fset := token.NewFileSet()
	syntax, err := parser.ParseFile(fset, name, source, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	return &file{path: name, source: source, fset: fset, syntax: syntax}, nil
}

func (f *file) dir() string  { return path.Dir(f.path) }
func (f *file) isTest() bool { return strings.HasSuffix(f.path, "_test.go") }

// at formats a problem as path:line: text.
func (f *file) at(pos token.Pos, text string, args ...any) string {
	return fmt.Sprintf("%s:%d: %s", f.path, f.fset.Position(pos).Line, fmt.Sprintf(text, args...))
}

// imports calls visit with each imported path.
func (f *file) imports(visit func(pos token.Pos, path string)) {
	for _, spec := range f.syntax.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			visit(spec.Pos(), p)
		}
	}
}

// check returns everything that is wrong with f.
func (f *file) check() []string {
	problems := f.checkFormat()
	if f.isTest() {
		return problems
	}
	problems = append(problems, f.checkLength()...)
	problems = append(problems, f.checkLayers()...)
	problems = append(problems, f.checkHomes()...)
	if slices.Contains(pureDirs, f.dir()) {
		problems = append(problems, f.checkPureImports()...)
		problems = append(problems, f.checkPureSyntax()...)
		problems = append(problems, f.checkPureSelectors()...)
	}
	return problems
}

// checkFormat compares the file with what gofmt makes of it.
func (f *file) checkFormat() []string {
	want, err := format.Source(f.source)
	if err != nil || !bytes.Equal(want, f.source) {
		return []string{f.path + ": gofmt would change this file"}
	}
	return nil
}

func (f *file) checkLength() []string {
	if n := bytes.Count(f.source, []byte("\n")); n > maxLines {
		return []string{fmt.Sprintf("%s: %d lines, more than %d: split it", f.path, n, maxLines)}
	}
	return nil
}

// checkLayers holds the file's imports of the module against the layer table.
func (f *file) checkLayers() (problems []string) {
	own, ok := layerOf(f.dir())
	if !ok {
		return []string{f.path + ": package " + f.dir() + " is in no layer of internal/lint/rules_test.go"}
	}
	f.imports(func(pos token.Pos, p string) {
		if p != module && !strings.HasPrefix(p, module+"/") {
			return
		}
		target := strings.TrimPrefix(strings.TrimPrefix(p, module), "/")
		if target == "" {
			target = "."
		}
		layer, ok := layerOf(target)
		if !ok || layer <= own && target != f.dir() && !sameTree(own, f.dir(), target) {
			problems = append(problems, f.at(pos, "%s must not import %s: imports point down", f.dir(), target))
		}
	})
	return problems
}

// layerOf returns the number of the layer that holds dir, 0 on top.
func layerOf(dir string) (int, bool) {
	for i, layer := range layers {
		for _, pattern := range layer {
			if matches(pattern, dir) {
				return i, true
			}
		}
	}
	return 0, false
}

// sameTree reports whether one pattern of a layer covers both directories, as
// a command and the packages below it.
func sameTree(layer int, a, b string) bool {
	return slices.ContainsFunc(layers[layer], func(pattern string) bool {
		return matches(pattern, a) && matches(pattern, b)
	})
}

func matches(pattern, dir string) bool {
	tree, ok := strings.CutSuffix(pattern, "/...")
	return pattern == dir || ok && (dir == tree || strings.HasPrefix(dir, tree+"/"))
}

// checkHomes finds libraries used outside the place that is theirs.
func (f *file) checkHomes() (problems []string) {
	f.imports(func(pos token.Pos, p string) {
		for library, home := range homes {
			if p != library && !strings.HasPrefix(p, library+"/") {
				continue
			}
			at := func(place string) bool {
				return place == f.path || strings.HasSuffix(place, "/") && strings.HasPrefix(f.path, place)
			}
			if !slices.ContainsFunc(strings.Fields(home), at) {
				problems = append(problems, f.at(pos, "%s is used only in %s", library, orTests(home)))
			}
		}
	})
	return problems
}

func orTests(home string) string {
	if home == "" {
		return "tests"
	}
	return home
}

// checkPureImports allows a pure package the protocol and a list of the
// standard library.
func (f *file) checkPureImports() (problems []string) {
	f.imports(func(pos token.Pos, p string) {
		if p != module+"/protocol" && p != module+"/internal/planted" && !pureImports[p] {
			problems = append(problems, f.at(pos, "a pure package must not import %s", p))
		}
	})
	return problems
}

// checkPureSyntax finds goroutines and channels.
func (f *file) checkPureSyntax() (problems []string) {
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		what := ""
		switch n := n.(type) {
		case *ast.GoStmt:
			what = "go statement"
		case *ast.ChanType:
			what = "channel"
		case *ast.SelectStmt:
			what = "select statement"
		case *ast.SendStmt:
			what = "channel send"
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				what = "channel receive"
			}
		}
		if what != "" {
			problems = append(problems, f.at(n.Pos(), "%s in a pure package", what))
		}
		return true
	})
	return problems
}

// checkPureSelectors finds the impure part of packages that are half pure,
// such as time.Now.
func (f *file) checkPureSelectors() (problems []string) {
	names := f.importNames()
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		id, ok := sel.X.(*ast.Ident)
		if !ok {
			return true
		}
		rule, ok := pureSelectors[names[id.Name]]
		if !ok {
			return true
		}
		if slices.Contains(rule.deny, sel.Sel.Name) ||
			rule.allow != nil && !slices.Contains(rule.allow, sel.Sel.Name) {
			problems = append(problems, f.at(n.Pos(), "%s.%s in a pure package", id.Name, sel.Sel.Name))
		}
		return true
	})
	return problems
}

// importNames maps the name under which the file uses a package to its path.
func (f *file) importNames() map[string]string {
	names := make(map[string]string)
	for _, spec := range f.syntax.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		name := path.Base(p)
		if name == "v2" {
			name = path.Base(path.Dir(p))
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = p
	}
	return names
}
