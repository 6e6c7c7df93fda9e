// Package config reads and checks the settings. Three sources, the later wins: the process environment, an env-file as
// Docker reads it, and flags of the same names. All problems are reported at once. It calls nothing.
//
// A problem says what is wrong with which value, where that value comes from (the process environment, FILE:LINE, --flag), and
// what would be right. One cause is one problem: a value in quotes is reported for its quotes, and then judged without them; of an
// env-file that cannot be read, nothing that it may hold is called missing.
//
// An env-file may be a pipe. Reading it is bounded in size and time. Its keys are settings; a key of another version of the tool
// that this program replaces names the setting of today (formerKeys). Destroy, which needs few settings, still heeds a wrong name
// for one of those: with a misspelt state path it would look in the wrong bucket, and find nothing.
//
// Names that other programs use too (Setting.Generic) are taken from the process environment with a notice, where the settings are
// in a file or in flags. `docker run --env-file` puts all settings into the process environment, where notices would be noise.
// NAME_PREFIX, a name that nobody else uses, tells the two apart: with NAME_PREFIX in the environment, there are no notices.
//
// Settings is the table from which everything else follows: the flags, the reference page docs/settings.md, examples/env.list,
// and the names that a misspelt one is compared with.
//
// Worked example:
//
//	cfg, problems := config.Load(config.Input{Environ: os.Environ(), EnvFile: "env.list", Flags: map[string]string{"ZONE": "us-east1-b"}})
//	if err := problems.Err(); err != nil { … } // every problem, one a line
package config
