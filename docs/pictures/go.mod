module github.com/go-multiproc/mp/docs/pictures

go 1.26.0

require github.com/bep/goat v0.5.0
