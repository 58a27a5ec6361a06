# fish completion for mlts. Load it with: mlts completion fish | source

function __mlts_complete
    set -l typed (commandline -opc)
    set -l current (commandline -ct)
    # Quotes are taken off by hand: nothing that was typed may be run.
    set -l plain (string replace -ra '[\'"\\\\]' '' -- $current)
    test (count $plain) -eq 0; and set plain ''
    for line in (command $typed[1] __complete $typed[2..-1] $plain 2>/dev/null </dev/null)
        if test "$line" = ':files'
            set -l prefix (string match -r '^[^=/]*=' -- $plain; or echo '')
            set -l path (string replace -r '^[^=/]*=' '' -- $plain)
            for found in (__fish_complete_path $path)
                echo $prefix$found
            end
        else
            echo $line
        end
    end
end

complete -c mlts -f -a '(__mlts_complete)'
