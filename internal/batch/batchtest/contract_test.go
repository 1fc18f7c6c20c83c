package batchtest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"testing"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
)

func TestTheWorldKeepsTheContractOfTheStore(t *testing.T) {
	t.Parallel()
	batchtest.Run(t, func(*testing.T) (batchtest.Store, batch.Queue) {
		w := batchtest.NewWorld()
		return w, w
	})
}

func TestTheContractCallsEveryMethodOfThePorts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("contract_*.go")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	called := map[string]bool{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
					called[sel.Sel.Name] = true
				}
			}
			if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Close" {
				called["Close"] = true // it is passed to t.Cleanup
			}
			return true
		})
	}
	for _, port := range []reflect.Type{
		reflect.TypeFor[batchtest.Store](), reflect.TypeFor[batch.Queue](), reflect.TypeFor[batch.Consumer](), reflect.TypeFor[batch.Delivery](),
	} {
		for m := range port.NumMethod() {
			if name := port.Method(m).Name; !called[name] {
				t.Errorf("nothing in the contract calls %s of %s", name, port)
			}
		}
	}
}
