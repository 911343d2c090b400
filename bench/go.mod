module github.com/go-multiproc/mp/bench

go 1.26.0

require github.com/go-multiproc/mp v0.0.0

require golang.org/x/sys v0.49.0 // indirect

replace github.com/go-multiproc/mp => ../
