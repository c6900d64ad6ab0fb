"""What a teacher needs: run sheets, copies with solutions, a class's seats, answers and server."""
