// Package interop holds the tests that varve's files are LevelDB's: goleveldb and C++ LevelDB
// read the directories that varve wrote, varve reads theirs, and each goes on writing where the
// other left off.
//
// What C++ LevelDB itself reads is tested where the build tag leveldb says that there is one; make
// test sees to that.
//
// The directories in golden were written by C++ LevelDB 1.23; see golden/generate.cc. They are
// copied before they are opened, since opening a store changes it.
//
// Random content is drawn from a seed that a failing test prints, to be given back with
// -interop.seed.
package interop
