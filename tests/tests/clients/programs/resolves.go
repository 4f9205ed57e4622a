// Resolves a name and connects to addresses, as Go programs do it that are linked statically: without libc.
package main

import (
	"fmt"
	"net"
	"os"
	"time"
)

func main() {
	if os.Args[1] == "follow" {
		follow(os.Args[2], os.Args[3:])
		return
	}
	for _, host := range os.Args[1:] {
		connection, err := net.DialTimeout("tcp", host, 5*time.Second)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(connection.RemoteAddr())
		connection.Close()
	}
}

// follow prints each of the addresses once the name leads to it, one after the other.
func follow(name string, addresses []string) {
	for end := time.Now().Add(time.Minute); len(addresses) > 0; time.Sleep(50 * time.Millisecond) {
		found, err := net.LookupHost(name)
		if err == nil && len(found) == 1 && found[0] == addresses[0] {
			fmt.Println(found[0])
			addresses = addresses[1:]
		} else if time.Now().After(end) {
			fmt.Println(name, "leads to", found, err)
			os.Exit(1)
		}
	}
}
