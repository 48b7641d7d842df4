// Package config layers the values of a command line's flags: what a flag was
// given counts before the environment, that before a context, that before the
// configuration file, and that before the flag's default.
//
// The flags themselves are the schema. One rule names them: the flag --no-wait
// of the command produce has the key produce.no-wait and the environment
// variable BECK_PRODUCE_NO_WAIT. A flag marked by Share is also served by its
// bare name, in all sections that share it:
//
//	sub: tcp://tower:5556      BECK_SUB     the commands that join a mesh
//	store:
//	  retain: ['>=age:30d']    BECK_STORE_RETAIN
//
// Within a layer a section's own key counts before the bare one. Every value is
// checked by the Set of its flag, those of commands that do not run, too; what
// no flag has is an error. Both name the place.
package config
