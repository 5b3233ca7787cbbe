#!/usr/bin/perl
# A program that speaks UCSPI-TLS and nothing of ours: what a listener's next program sees. It writes what it notes into
# the file NOTES names, one JSON value a line, and obeys its client:
#     NOOP …       250 and the line       EXIT n      exits n
#     QUIT         221, exits 0           STARTTLS x  220, writes x to the control socket, and goes on inside
# It exits 7 at the end of input.
use strict;
use warnings;
use POSIX ();

open(my $notes, '>>', $ENV{NOTES}) or die "probe: $!\n";
delete $ENV{NOTES};
$SIG{TERM} = sub { note('{"signal":"SIGTERM"}'); POSIX::_exit(9) };
note('{"env":{' . join(',', map { quoted($_) . ':' . quoted($ENV{$_}) } sort keys %ENV) . "},\"uid\":$>,\"gid\":" . ($) + 0) . '}');
my ($control, $inside_read, $inside_write) = @ENV{qw(SSLCTLFD SSLREADFD SSLWRITEFD)};
my $pending = '';
answer('220 probe');
while (1) {
    my $at = index($pending, "\n");
    if ($at < 0) {
        my $length = POSIX::read(0, my $chunk, 65536);
        last unless $length and $length > 0; # "0 but true" is the end
        $pending .= $chunk;
        next;
    }
    my $line = substr($pending, 0, $at + 1, '');
    $line =~ s/\r?\n$//;
    note('{"line":' . quoted($line) . '}');
    if ($line =~ /^QUIT/) { answer('221 bye'); leave(0) }
    elsif ($line =~ /^EXIT (\d+)/) { leave($1) }
    elsif ($line =~ /^STARTTLS (.)/) { start_tls($1) }
    else { answer("250 $line") }
}
note('{"eof":true}');
POSIX::_exit(7);

sub start_tls {
    my ($command) = @_;
    answer('220 go');
    $pending = '';
    POSIX::write($control, $command, 1);
    POSIX::dup2($inside_read, 0);
    POSIX::dup2($inside_write, 1);
    return if $command eq 'y';
    my $block = '';
    while ($block !~ /\0\0$/) {
        my $length = POSIX::read($control, my $chunk, 65536);
        last unless $length and $length > 0; # "0 but true" is the end
        $block .= $chunk;
    }
    note('{"ctl_eof":true}') if $block eq '';
    my $whole = $block =~ s/\0\0$// ? 'true' : 'false';
    note("{\"env_block_ends_with_two_nuls\":$whole,\"env_block\":[" . join(',', map { quoted($_) } split /\0/, $block) . ']}');
}

sub leave {
    my ($code) = @_;
    note("{\"exit\":$code}");
    POSIX::_exit($code);
}

sub answer { POSIX::write(1, "$_[0]\r\n", length($_[0]) + 2) }

sub note { syswrite($notes, "$_[0]\n") }

sub quoted {
    my ($text) = @_;
    $text =~ s/([\x00-\x1f"\\\x7f-\xff])/sprintf('\\u%04x', ord $1)/ge;
    return "\"$text\"";
}
