// Package vfstest is the conformance suite of vfs.FS: each of its checks holds for every
// implementation, in every environment, whatever the medium is.
//
// What only a crash or a failing medium can show (promises 2 to 5 of vfs in full) is not
// checked here: memfs and faultfs produce those, and tests of their users check them.
//
// The suite needs no package os, so that it runs in a browser, and it writes little, so that
// it runs there in seconds.
package vfstest

import (
	"testing"

	"github.com/varvedb/varve/vfs"
)

// Run checks a file system. open makes a new, empty FS on a medium of its own, to be released
// by t.Cleanup; reopen closes that FS, or the one that reopen returned last, and opens the
// same medium again.
func Run(t *testing.T, open func(t *testing.T) (fs vfs.FS, reopen func() vfs.FS)) {
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			fs, reopen := open(t)
			c.run(&fixture{TB: t, fs: fs, reopen: reopen})
		})
	}
}

// check is one property of a file system.
type check struct {
	name string
	run  func(f *fixture)
}

func checks() []check {
	return []check{
		{"FileIsTheConcatenationOfItsWrites", fileIsTheConcatenationOfItsWrites},
		{"WriteDoesNotKeepItsBuffer", writeDoesNotKeepItsBuffer},
		{"ReadAtReadsAnyRange", readAtReadsAnyRange},
		{"ReadAtEndsWithEOF", readAtEndsWithEOF},
		{"ReadAtWritesIntoItsBufferOnly", readAtWritesIntoItsBufferOnly},
		{"EmptyFileExists", emptyFileExists},
		{"BigFileReadsBack", bigFileReadsBack},
		{"SyncedBytesAreReadableWhileTheWriterIsOpen", syncedBytesAreReadableWhileTheWriterIsOpen},
		{"SizeIsFixedAtOpen", sizeIsFixedAtOpen},

		{"CreateReplacesAFile", createReplacesAFile},
		{"ReplacedFileStaysReadableWhileOpen", replacedFileStaysReadableWhileOpen},
		{"RemoveRemovesAFile", removeRemovesAFile},
		{"RemovedFileStaysReadableWhileOpen", removedFileStaysReadableWhileOpen},
		{"RenameMovesAFile", renameMovesAFile},
		{"RenameReplacesItsTarget", renameReplacesItsTarget},
		{"RenamedFilesStayReadableWhileOpen", renamedFilesStayReadableWhileOpen},
		{"ListIsInOrderOfNames", listIsInOrderOfNames},
		{"ListFollowsTheDirectory", listFollowsTheDirectory},
		{"ManyFilesAreKeptApart", manyFilesAreKeptApart},
		{"MissingFileIsNotFound", missingFileIsNotFound},
		{"InvalidNamesAreRefused", invalidNamesAreRefused},

		{"ClosedWriterRefuses", closedWriterRefuses},
		{"ClosedReaderRefuses", closedReaderRefuses},
		{"ClosedFileSystemRefuses", closedFileSystemRefuses},
		{"LockIsExclusive", lockIsExclusive},
		{"LockIsFreeAfterRelease", lockIsFreeAfterRelease},
		{"ReleasedLockCannotReleaseItsSuccessor", releasedLockCannotReleaseItsSuccessor},
		{"LockIsNotListed", lockIsNotListed},
		{"LockIsFreeAfterReopen", lockIsFreeAfterReopen},

		{"SyncedFilesPersist", syncedFilesPersist},
		{"SyncOfAnEmptyFilePersistsItsName", syncOfAnEmptyFilePersistsItsName},
		{"SyncPersistsWhatCameBeforeIt", syncPersistsWhatCameBeforeIt},
		{"ReplacedFilePersists", replacedFilePersists},
		{"RenamePersists", renamePersists},
		{"RemovalPersists", removalPersists},
		{"ReopenedDirectoryIsWritable", reopenedDirectoryIsWritable},

		{"FilesAreWrittenConcurrently", filesAreWrittenConcurrently},
		{"OneReaderServesManyGoroutines", oneReaderServesManyGoroutines},
		{"ReadersRunBesideAWriter", readersRunBesideAWriter},
		{"ConcurrentLocksHaveOneWinner", concurrentLocksHaveOneWinner},
	}
}
