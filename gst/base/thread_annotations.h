// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What clang's -Wthread-safety reads: https://clang.llvm.org/docs/ThreadSafetyAnalysis.html. For
// g++ these macros are empty.
#pragma once

#ifdef __clang__
#define DIST_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define DIST_THREAD_ANNOTATION(x)
#endif

// On a class: its objects are locks, or hold one as long as they live.
#define CAPABILITY(name) DIST_THREAD_ANNOTATION(capability(name))
#define SCOPED_CAPABILITY DIST_THREAD_ANNOTATION(scoped_lockable)

// On a variable: only who holds the lock may read or write it.
#define GUARDED_BY(lock) DIST_THREAD_ANNOTATION(guarded_by(lock))

// On a function: the caller holds these locks.
#define REQUIRES(...) DIST_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
// On a function: takes or gives back these locks; without an argument those of its object.
#define ACQUIRE(...) DIST_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define RELEASE(...) DIST_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
