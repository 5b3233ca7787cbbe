#!/usr/bin/perl
# Someone else's checkpassword: `checkpassword.pl [-o word] prog [arg ...]`, with UID GID GROUP HOME in CPW. What it
# does is its user's name.
use strict;
use warnings;

my ($uid, $gid, $group, $home) = split ' ', delete $ENV{CPW};
splice @ARGV, 0, 2 if @ARGV && $ARGV[0] eq '-o';
my @prog = @ARGV or exit 2;
open(my $fields, '<&=', 3) or exit 2;
my ($user, $password, $timestamp) = split /\0/, do { local $/; <$fields> };
close $fields;
if ($user eq 'talker') { syswrite(STDOUT, "talk\r\n"); warn "a line for the log\n"; exit 1 }
exit $1 if $user =~ /^exit-(\d+)$/;
kill 'KILL', $$ if $user eq 'crash';
exit 1 unless $password eq 'AlicePw1' && defined $timestamp;
@ENV{qw(USER HOME SHELL EXTRA)} = ($user, $home, '/bin/sh', "from checkpassword\n2");
delete $ENV{GONE};
unless ($user eq 'root') {
    $) = "$gid $gid $group";
    $( = $gid;
    ($<, $>) = ($uid, $uid);
    exit 111 if $> != $uid;
}
chdir $home or exit 111;
exec { $prog[0] } @prog or exit 111;
